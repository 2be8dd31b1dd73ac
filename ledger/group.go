package ledger

// commitGroup joins commits that follow each other into one. Slots stand in order, so that the
// last change of each is the one that stays.
type commitGroup struct {
	Commit
	// tiles holds the place of each in the Commit: what a later commit makes of it replaces it.
	tiles map[tileID]int
}

func (g *commitGroup) add(c Commit) {
	if g.tiles == nil {
		g.tiles = map[tileID]int{}
	}
	g.Entries, g.IDs = append(g.Entries, c.Entries...), append(g.IDs, c.IDs...)
	g.Refs, g.Slots = append(g.Refs, c.Refs...), append(g.Slots, c.Slots...)
	g.Head = c.Head
	g.Private.add(c.Private)
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
