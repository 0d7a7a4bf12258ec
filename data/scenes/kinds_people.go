package scenes

var people []kind
