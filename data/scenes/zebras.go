package scenes

// zebraScenes is how many scenes the zebra set has.
const zebraScenes = 60

// Zebras returns the zebra set of a seed: 60 scenes of zebras in a meadow by
// day that differ only in details, which are the stripes of each zebra, its
// pose, its place and what small things stand around. They ask more of a
// decoder than the gist of a scene, as the zebra photographs of the Natural
// Scenes Dataset do in Scotti et al., "Reconstructing the mind's eye"
// (arXiv:2305.18274). Their captions say what can be said. None means the same as a scene of
// Train or Validation.
func Zebras(seed uint64) []Scene {
	var out []Scene
	for i := uint64(0); len(out) < zebraScenes; i++ {
		if s := composeZebras(newDice(seed, zebraScenes, i)); len(s.Things) > 0 && s.Split() == Test {
			out = append(out, s)
		}
	}
	return out
}

func composeZebras(d *dice) Scene {
	s := Scene{Background: Meadow, Light: Day, Weather: Clear, Detail: d.next()}
	herd := []string{"zebra"}
	if d.percent(30) {
		herd = append(herd, "zebra")
	}
	for _, name := range append(herd, of(d, []string{"tree", "bush", "bird", "flower", "mushroom"})) {
		k, _ := KindNamed(name)
		entry := &kinds[k]
		t := Thing{
			Kind: k, Colour: of(d, entry.Colours), Pose: d.below(len(entry.Poses)),
			FacesLeft: entry.Profile && d.percent(50),
		}
		t.Accent = t.Colour
		if name == "zebra" {
			t.Pattern, t.Accent = Striped, Black
		} else if d.percent(40) {
			continue
		} else {
			t.Size = Small
		}
		s.place(d, []Thing{t})
	}
	s.sortByDepth()
	return s
}
