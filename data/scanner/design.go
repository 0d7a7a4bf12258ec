package scanner

import (
	"cmp"
	"fmt"
)

// Trial is one presentation of a picture.
type Trial struct {
	Session int // from 0
	Place   int // in the session, from 0
	Image   int // a row of the responses
	Repeat  int // of the image: 0 the first time
}

// Schedule says how pictures are shown.
type Schedule struct {
	Seed    uint64
	Repeats int // of every picture; 3 where it is 0
	// SessionTrials is how many trials a session has at most, 750 where it is 0.
	SessionTrials int
}

// Trials returns the trials that show every one of the images as often as the
// schedule says: all once in random order, then all again in another order, and
// so on. Each such pass takes as many sessions as it needs, of equal length, so
// that no image is seen twice in a session. (In NSD some repeats follow within
// minutes.)
func (s Schedule) Trials(images []int) ([]Trial, error) {
	s.Repeats, s.SessionTrials = cmp.Or(s.Repeats, 3), cmp.Or(s.SessionTrials, 750)
	if s.Repeats < 1 || s.SessionTrials < 1 {
		return nil, fmt.Errorf("scanner: wanted 1 repeat and 1 trial a session at least, found %d and %d", s.Repeats, s.SessionTrials)
	}
	dice := newDice("schedule", s.Seed)
	sessions := (len(images) + s.SessionTrials - 1) / s.SessionTrials // of a pass
	var out []Trial
	for repeat := range s.Repeats {
		order := dice.Perm(len(images))
		for session := range sessions {
			from, to := session*len(order)/sessions, (session+1)*len(order)/sessions
			for place, i := range order[from:to] {
				out = append(out, Trial{Session: repeat*sessions + session, Place: place, Image: images[i], Repeat: repeat})
			}
		}
	}
	return out, nil
}
