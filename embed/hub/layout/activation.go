package layout

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"engram/embed/onnx"
)

// quickGELU reports whether the repository's weights were trained with x·σ(1.702x) in
// place of GELU, by Immich's names of repositories: open_clip's pretrained.py marks
// OpenAI's weights and the ViT-B/32 of LAION-400M so. Names that end in -quickgelu ask
// open_clip for it, and the others do not since its version 2.30.
func (p *Plan) quickGELU() bool {
	architecture, weights, ok := strings.Cut(path.Base(p.repository), "__")
	trained := weights == "openai" || strings.HasPrefix(architecture, "ViT-B-32") && strings.HasPrefix(weights, "laion400m")
	return ok && trained && !strings.HasSuffix(architecture, "-quickgelu")
}

// noteActivation says before the download that the graphs are probably not exact.
func (p *Plan) noteActivation() {
	if p.quickGELU() {
		p.Notes = append(p.Notes, fmt.Sprintf("%s: Immich's exports of these weights since 2025 probably compute GELU where they were trained with QuickGELU; Xenova and Qdrant publish exact ones of OpenAI's", p.repository))
	}
}

// checkActivation says for sure, by the graph: QuickGELU is made of Sigmoid, which
// nothing else in such a tower is, GELU of Erf or Gelu.
func (p *Plan) checkActivation(g inspected) {
	has := func(name string) bool { return slices.Contains(g.Operators, onnx.Operator{Type: name}) }
	if p.quickGELU() && !has("Sigmoid") && (has("Erf") || has("Gelu")) {
		p.Notes = append(p.Notes, fmt.Sprintf("%s computes GELU, and its weights were trained with QuickGELU: its vectors are near the publisher's of the weights, not equal", g.file))
	}
}
