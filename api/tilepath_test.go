package api

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// formatTilePath is the mirror of parseTilePath.
func formatTilePath(index uint64, width int) string {
	path := fmt.Sprintf("%03d", index%1000)
	for index /= 1000; index > 0; index /= 1000 {
		path = fmt.Sprintf("x%03d/%s", index%1000, path)
	}
	if width < fullTile {
		path += ".p/" + strconv.Itoa(width)
	}
	return path
}

func TestTilePaths(t *testing.T) {
	for text, want := range map[string]struct {
		index uint64
		width int
	}{
		"000": {0, 256}, "067": {67, 256}, "x001/x234/067": {1234067, 256}, "x001/000": {1000, 256},
		"000.p/1": {0, 1}, "x001/x234/067.p/8": {1234067, 8}, "999.p/255": {999, 255},
		"x999/x999/x999/x999/x999/999": {999_999_999_999_999_999, 256},
	} {
		index, width, err := parseTilePath(text)
		if err != nil || index != want.index || width != want.width {
			t.Errorf("%s: got %d, %d, %v", text, index, width, err)
		}
		if again := formatTilePath(index, width); again != text {
			t.Errorf("%s: formats as %s", text, again)
		}
	}
	for _, text := range []string{
		"", "0", "00", "0000", "x001", "001/002", "x000/001", "x001/x000", "x01/001", "x001/01", "X001/001", "x001//001", "/001", "001/",
		"001.p", "001.p/", "001.p/0", "001.p/01", "001.p/256", "001.p/-1", "001.p/1/", "001.p/1.p/1", "x001.p/1/001", "+01", "٠٠١", "00a",
		"x001/x001/x001/x001/x001/x001/001", "001%2Ep/1", "entries/001", "..", "001\n",
	} {
		if index, width, err := parseTilePath(text); err == nil {
			t.Errorf("%q: accepted as %d, %d", text, index, width)
		}
	}
}

func TestTileLevels(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "7": 7, "63": 63, "64": -1, "00": -1, "-1": -1, "": -1, "+1": -1, "0x1": -1} {
		if got, err := parseTileLevel(text); (err == nil) != (want >= 0) || err == nil && got != want {
			t.Errorf("%q: got %d, %v", text, got, err)
		}
	}
}

func FuzzTilePath(f *testing.F) {
	for _, seed := range []string{"000", "x001/x234/067.p/8", "x000/001", "001.p/256", strings.Repeat("x001/", 9) + "001"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		index, width, err := parseTilePath(text)
		if err == nil && (width < 1 || width > fullTile || formatTilePath(index, width) != text) {
			t.Fatalf("%q: read as %d, %d, which is written %q", text, index, width, formatTilePath(index, width))
		}
	})
}
