package ledger

// commitGroup joins commits that follow each other into one.
type commitGroup struct {
	Commit
	// slots and tiles hold the place of each in the Commit: what a later commit changes again replaces it.
	slots map[string]int
	tiles map[tileID]int
}

func (g *commitGroup) add(c Commit) {
	if g.slots == nil {
		g.slots, g.tiles = map[string]int{}, map[tileID]int{}
	}
	g.Entries, g.IDs, g.Refs = append(g.Entries, c.Entries...), append(g.IDs, c.IDs...), append(g.Refs, c.Refs...)
	g.Head = c.Head
	for _, s := range c.Slots {
		at, known := g.slots[string(s.Tag)]
		if !known {
			g.slots[string(s.Tag)] = len(g.Slots)
			g.Slots = append(g.Slots, s)
			continue
		}
		s.Members = append(g.Slots[at].Members, s.Members...) // lists are only ever joined
		g.Slots[at] = s
	}
	for _, t := range c.Tiles {
		id := tileID{t.Level, t.N}
		at, known := g.tiles[id]
		if !known {
			g.tiles[id] = len(g.Tiles)
			g.Tiles = append(g.Tiles, t)
			continue
		}
		g.Tiles[at] = t
	}
}

func (g *commitGroup) commit() Commit { return g.Commit }
