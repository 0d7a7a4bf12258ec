package scenes

var buildings []kind
