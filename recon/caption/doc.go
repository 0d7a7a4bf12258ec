// Package caption reads from voxels which caption what was seen may have: a second source of
// what a scan tells, beside image tokens.
//
// Image tokens hold light, colours and places, but hardly the kind of a thing, and what a
// scan tells of the kind is lost in regression onto them (see NOTES.md). Brain-Diffuser
// (Ozcelik and VanRullen 2023, arXiv 2303.05334) and Takagi and Nishimoto (2023, CVPR)
// therefore predict the embedding of captions by ridge regression, too. Train does so with
// the Gaussian decoder of package scan, whose penalty is chosen by images that are left out.
//
// Regression shrinks what it predicts, so that the nearest caption is a poor guess. What is
// used is the likelihood of the prediction given each training image's caption. The prior
// caption of package prior multiplies it with the likelihood of the image tokens, and takes
// the mean of the training images' tokens, which a caption model keeps.
package caption
