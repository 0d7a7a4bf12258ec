package scenes

var vehicles []kind
