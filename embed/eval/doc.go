// Package eval scores predicted embeddings against those of the images that
// were seen, by the protocols that brain decoding reports: two-way
// identification, top-k retrieval in both directions, retrieval from random
// galleries with a confidence interval, retrieval from galleries that grow, and
// the noise ceilings that none of them can pass.
//
// Embeddings are the rows of a float32 matrix, [n, D]; row i of the images is
// what was seen when prediction i was made. Similarity compares all with all,
// and the scores read its matrix: rows are images, columns are predictions.
//
// Predictions of a regression are shrunk towards the mean of the training
// targets, and real embeddings lie close to their mean. Take that mean away from
// both sides with Center before they are compared, and take it from training
// trials only.
//
// A tie between the right image and others is neither a hit nor a miss: the
// right one gets the mean of the ranks that the tied ones share.
package eval
