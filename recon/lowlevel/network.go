package lowlevel

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas/blas32"

	"engram/data/progress"
	"engram/embed"
	"engram/embed/grad"
	"engram/embed/nn"
	"engram/embed/onnx"
	"engram/embed/ort"
	"engram/embed/scan"
	"engram/embed/train"
)

// NetworkOptions say how a network is trained. Zero values are the default.
type NetworkOptions struct {
	Width    int     // of the hidden layers; 0 means 768
	Epochs   int     // passes over all images; 0 means 30, and more of them where they are few
	Batch    int     // images of a step; 0 means 128, or all where there are fewer
	LR       float64 // highest learning rate; 0 means 3e-4
	Seed     uint64
	Session  ort.SessionOptions
	Progress progress.Func
}

// TrainingStage is the stage of TrainNetwork in progress reports.
const TrainingStage = "training the low-level network"

// Shares of units that are dropped in training: many of the first layer, which has most of the
// parameters, as in MindEye's.
const (
	inputDropout = .5
	blockDropout = .15
)

func (o NetworkOptions) complete(images int) NetworkOptions {
	const fewestSteps = 300
	o.Width, o.LR = cmp.Or(o.Width, 768), cmp.Or(o.LR, 3e-4)
	o.Batch = min(cmp.Or(o.Batch, 128), images)
	o.Epochs = cmp.Or(o.Epochs, max(30, fewestSteps/max(1, images/o.Batch)))
	return o
}

// TrainNetwork trains a network from the mean of all trials of an image to its latent: a hidden
// layer and a residual one, by the mean absolute error (MindEye's low-level pipeline, Scotti
// et al. 2023, arXiv 2305.18274, section 3.3). Its auxiliary contrastive term is left out,
// because left-out images were predicted worse with it (see NOTES.md).
func TrainNetwork(ctx context.Context, rt *ort.Runtime, data Data, opts NetworkOptions) (*Model, error) {
	if err := data.check(); err != nil {
		return nil, err
	}
	if at := embed.FirstNotFinite(data.Voxels.Data); at >= 0 {
		return nil, fmt.Errorf("lowlevel: voxel %d of scan %d is %v: %w", at%data.Voxels.Stride, at/data.Voxels.Stride, data.Voxels.Data[at], embed.ErrNotFinite)
	}
	means, images, err := scan.Average(data.Voxels, data.Images, len(data.Images))
	if err != nil {
		return nil, fmt.Errorf("lowlevel: %w", err)
	}
	opts = opts.complete(len(images))
	t := &trainer{opts: opts, means: means, width: data.Latents.Cols, network: newNetwork(means, data.Latents, images, opts.Width)}
	for _, i := range images {
		t.latents = append(t.latents, data.Latents.Data[i*data.Latents.Stride:][:t.width]...)
	}
	trained, err := t.loop().Run(ctx, rt)
	if err != nil {
		return nil, err
	}
	t.network.values = trained.Values
	return &Model{NetworkKind, means.Cols, t.network, data.Autoencoder}, nil
}

// network maps voxels to latents. Both are standardised by fixed numbers.
type network struct {
	width       int
	mean, scale []float32 // of each voxel: x becomes (x - mean)·scale
	centre      []float32 // mean latent
	values      map[string][]float32
}

// newNetwork measures what the network takes and gives.
func newNetwork(voxels, latents blas32.General, images []int, width int) *network {
	n := &network{width: width, mean: make([]float32, voxels.Cols), scale: make([]float32, voxels.Cols), centre: make([]float32, latents.Cols)}
	for v := range voxels.Cols {
		var sum, squares float64
		for i := range voxels.Rows {
			x := float64(voxels.Data[i*voxels.Stride+v])
			sum, squares = sum+x, squares+x*x
		}
		mean := sum / float64(voxels.Rows)
		n.mean[v] = float32(mean)
		if variance := squares/float64(voxels.Rows) - mean*mean; variance > 1e-12*mean*mean && variance > 0 {
			n.scale[v] = float32(1 / math.Sqrt(variance))
		}
	}
	for _, image := range images {
		for k := range n.centre {
			n.centre[k] += latents.Data[image*latents.Stride+k] / float32(len(images))
		}
	}
	return n
}

// predict maps voxels as measured, [n, V], to latents, [n, elements]. The seed is of dropout, nil
// where the network serves.
func (n *network) predict(net *nn.Net, voxels, seed *grad.Node) *grad.Node {
	g := net.Graph()
	dropped := func(x *grad.Node, share float32) *grad.Node {
		if seed == nil {
			return x
		}
		return grad.Dropout(x, share, seed)
	}
	x := grad.Mul(grad.Sub(voxels, g.Array(n.mean, len(n.mean))), g.Array(n.scale, len(n.scale)))
	x = dropped(grad.GELU(net.Norm("input.norm", net.Linear("input", x, n.width))), inputDropout)
	x = grad.Add(x, dropped(grad.GELU(net.Norm("block.norm", net.Linear("block", x, n.width))), blockDropout))
	return grad.Add(net.Linear("out", x, len(n.centre)), g.Array(n.centre, len(n.centre)))
}

func (n *network) graph() (latents *grad.Node, values map[string][]float32) {
	net := nn.New(nn.PyTorchStyle())
	return n.predict(net, net.Graph().Data(voxelsName, onnx.Float, grad.Batch, len(n.mean)), nil), n.values
}

// trainer is one training.
type trainer struct {
	opts    NetworkOptions
	means   blas32.General // [images, V]
	latents []float32      // [images, width]
	width   int
	network *network
}

// Leaves of the training graph beside voxels and latents.
const (
	imageName = "image"
	seedName  = "seed"
)

// loop says how the network is trained.
func (t *trainer) loop() train.Loop {
	o, images := t.opts, t.means.Rows
	net := nn.New(nn.PyTorchStyle())
	g := net.Graph()
	image := g.Step(imageName, onnx.Int64, o.Batch)
	voxels := grad.Rows(g.Data(voxelsName, onnx.Float, images, t.means.Cols), image)
	latents := grad.Rows(g.Data(latentName, onnx.Float, images, t.width), image)
	miss := grad.Sub(t.network.predict(net, voxels, g.Step(seedName, onnx.Int64)), latents)
	steps := images / o.Batch
	return train.Loop{
		Name: "lowlevel", Stage: TrainingStage, Steps: steps,
		Phases: []train.Phase{{Until: o.Epochs, Loss: grad.Mean(grad.Add(grad.ReLU(miss), grad.ReLU(grad.Neg(miss)))), Inputs: t.inputs}},
		Data: ort.Tensors{
			voxelsName: {Shape: []int64{int64(images), int64(t.means.Cols)}, Data: t.means.Data},
			latentName: {Shape: []int64{int64(images), int64(t.width)}, Data: t.latents},
		},
		Optimizer: grad.AdamW{WeightDecay: 1e-2}, Schedule: train.NewOneCycle(o.LR, steps*o.Epochs, .3),
		Session: o.Session, Initialise: net.InitialiseByName(o.Seed), Progress: o.Progress,
	}
}

// inputs draws the images of an epoch: each once, but for the ones that fill no batch.
func (t *trainer) inputs(_ context.Context, epoch int) (ort.Tensors, error) {
	order := rand.New(rand.NewPCG(t.opts.Seed, uint64(epoch))).Perm(t.means.Rows)
	steps := t.means.Rows / t.opts.Batch
	which, seeds := make([]int64, steps*t.opts.Batch), make([]int64, steps)
	for i := range which {
		which[i] = int64(order[i])
	}
	for s := range seeds {
		seeds[s] = int64(t.opts.Seed) + int64(epoch*steps+s)
	}
	return ort.Tensors{
		imageName: {Shape: []int64{int64(steps), int64(t.opts.Batch)}, Data: which},
		seedName:  {Shape: []int64{int64(steps)}, Data: seeds},
	}, nil
}
