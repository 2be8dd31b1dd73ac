package witness

import "time"

// pace counts within the present second of a clock. A clock that steps back only begins a
// second again.
type pace struct {
	second int64
	count  int
}

// allow takes one of the MaxPerSecond of this second, if one is left.
func (p *pace) allow(now time.Time) bool {
	if second := now.Unix(); second != p.second {
		p.second, p.count = second, 0
	}
	p.count++
	return p.count <= MaxPerSecond
}
