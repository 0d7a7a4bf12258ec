package nn

import "engram/embed/grad"

// Clock is the shape of an embedding of the time.
type Clock struct {
	Steps int // of the noise schedule
	Bumps int // radial basis functions over the steps
	Width int // of the embedding
}

// Clock embeds the time, steps [n], as [n, Width]: bell curves at even distances over the
// schedule, a few of them for every step, then two layers, name.in and name.out.
func (n *Net) Clock(name string, time *grad.Node, c Clock) *grad.Node {
	centres := make([]float32, c.Bumps)
	for i := range centres {
		centres[i] = float32(i)
	}
	at := grad.Scale(grad.Reshape(time, time.Shape()[0], 1), float32(c.Bumps-1)/float32(c.Steps-1))
	off := grad.Sub(at, n.Graph().Array(centres, c.Bumps))
	bumps := grad.Exp(grad.Scale(grad.Mul(off, off), -.5))
	return n.Linear(name+".out", grad.GELU(n.Linear(name+".in", bumps, c.Width)), c.Width)
}
