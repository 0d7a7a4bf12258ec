// Package glassbrain shows the activity of a brain's voxels as a glass brain does:
// as three orthogonal maximum projections of the volume, in proper proportions, with the
// outlines of regions of interest (ROIs).
//
// The three views keep the sides of the body: from above and from behind the left
// hemisphere is on the left, and from the right the front of the head is on the right.
// Where a volume lies oblique in the scanner, each of its axes stands for the direction
// that is nearest to it.
package glassbrain
