package scenes

var plants []kind
