package scan

import "engram/embed/train"

// SoftTemperature returns the temperature τ of SoftCLIP in one of its epochs,
// counted from zero: from 0.004 to 0.0075 along half a cosine (MindEye,
// Train_MindEye.py, soft_loss_temps). A single epoch uses 0.004.
func SoftTemperature(epoch, epochs int) float64 {
	const start, end = 0.004, 0.0075
	return train.HalfCosine(start, end, float64(epoch)/float64(max(epochs-1, 1)))
}
