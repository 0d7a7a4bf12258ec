// Package pictures finds the original image of an item: a file in a folder, or a member of
// a tar of img2dataset.
package pictures
