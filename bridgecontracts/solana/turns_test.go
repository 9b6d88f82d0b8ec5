package solana

import "testing"

// Where events come slowly their page is named; where it may turn before a transaction lands, the endless one.
func TestPagesThatTurn(t *testing.T) {
	mark := func(slot, event uint64) Mark { return Mark{Slot: slot, EventID: event} }
	for name, c := range map[string]struct {
		marks []Mark
		want  bool
	}{
		"new":                      {[]Mark{mark(1000, 0)}, false},
		"one event":                {[]Mark{mark(1000, 0), mark(1001, 1)}, false},
		"one a slot":               {[]Mark{mark(1000, 0), mark(1050, 50), mark(1095, 95)}, false},
		"one a slot near the end":  {[]Mark{mark(1000, 140), mark(1050, 190), mark(1095, 235)}, true},
		"rare and near the end":    {[]Mark{mark(1000, 250), mark(9000, 251)}, false},
		"the page is full":         {[]Mark{mark(1000, 255), mark(9000, 256)}, false},
		"forty a slot":             {[]Mark{mark(1000, 0), mark(1001, 40), mark(1002, 80)}, true},
		"forty a slot, just begun": {[]Mark{mark(1, 3), mark(9000, 4), mark(9001, 44), mark(9002, 84), mark(9003, 124)}, true},
	} {
		s := State{Marks: c.marks, Now: c.marks[len(c.marks)-1]}
		if got := s.Turns(24); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
