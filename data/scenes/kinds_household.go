package scenes

var households []kind
