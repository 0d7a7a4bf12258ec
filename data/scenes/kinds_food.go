package scenes

var foods []kind
