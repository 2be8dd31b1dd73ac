package api

import (
	"strings"

	"aval/domain"
)

// fullTile is the number of hashes or entries of a full tile (C2SP tlog-tiles).
const fullTile = 256

// entryBundle is the level under which Ledger.Tile knows entry bundles.
const entryBundle = -1

// maxTileLevel is the highest level of the standard; maxTileGroups keeps an index below 10^18.
const (
	maxTileLevel  = 63
	maxTileGroups = 6
)

// parseTilePath reads "<N>[.p/<W>]" of a C2SP tile path: N in groups of three digits, all but
// the last with an x before them, no group more than needed; W is 1 to 255, and 256 without.
// Exactly one text names a tile, so that caches hold each once.
func parseTilePath(text string) (index uint64, width int, err error) {
	refused := domain.Refuse(domain.Malformed, "tile path: want groups of three digits as in x001/x234/067, then .p/1 to .p/255 if partial")
	name, partial, isPartial := strings.Cut(text, ".p/")
	width = fullTile
	if isPartial {
		w, ok := decimal(partial, fullTile-1)
		if !ok || w == 0 {
			return 0, 0, refused
		}
		width = int(w)
	}
	groups := strings.Split(name, "/")
	if len(groups) > maxTileGroups || len(groups) > 1 && groups[0] == "x000" {
		return 0, 0, refused
	}
	for i, group := range groups {
		digits, marked := strings.CutPrefix(group, "x")
		if marked != (i < len(groups)-1) || len(digits) != 3 || strings.Trim(digits, "0123456789") != "" {
			return 0, 0, refused
		}
		index = index*1000 + uint64(digits[0]-'0')*100 + uint64(digits[1]-'0')*10 + uint64(digits[2]-'0')
	}
	return index, width, nil
}

// parseTileLevel reads the level of a hash tile, 0 to 63.
func parseTileLevel(text string) (int, error) {
	level, ok := decimal(text, maxTileLevel)
	if !ok {
		return 0, domain.Refuse(domain.Malformed, "tile level: want 0 to %d or entries", maxTileLevel)
	}
	return int(level), nil
}
