// Package eval scores predicted embeddings against the embeddings of the images
// that were seen, by the protocols that brain decoding reports: two-way
// identification, top-k retrieval in both directions, retrieval from random
// galleries with a confidence interval, retrieval from galleries that grow, and
// the noise ceilings that none of them can pass.
//
// Embeddings are the rows of a float32 matrix, [n, D]; row i of the images is
// what was seen when prediction i was made. Compare compares all with all, and
// the scores read its matrix: rows are images, columns are predictions.
//
// Predictions of a regression are shrunk towards the mean of the training
// targets, and real embeddings lie close to their mean. Compare therefore takes
// this mean away from both sides; it comes from training trials only.
//
// Outcomes holds what single predictions reached. Compared pairs two decoders on the
// same images, Reliability says how well margins tell right first images from wrong
// ones, and OverSubjects has subjects as units.
//
// Identify scores one prediction for each image. A Comparison has more images to
// choose among than were seen, for galleries that grow. Protocol draws the
// galleries of the published figures. NewCeiling says what the noise of the scans
// allows at best.
//
// A tie between the right image and others is neither a hit nor a miss: the
// right one gets the mean of the ranks that the tied ones share.
package eval
