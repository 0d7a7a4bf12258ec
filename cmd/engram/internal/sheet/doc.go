// Package sheet draws contact sheets: pictures of several scans side by side, a
// column for each scan and a row for each way to a picture.
package sheet
