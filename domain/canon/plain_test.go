package canon

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

// The walker stands behind an encoder that gives well-formed bytes. It must not lean on that.
func TestCheckPlainRefusesEveryCutAndExtension(t *testing.T) {
	content, err := os.ReadFile("testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range strings.Lines(string(content)) {
		text, _, _ := strings.Cut(line, " ")
		data, err := hex.DecodeString(text)
		if err != nil || len(data) == 0 {
			continue
		}
		seen++
		if err := checkPlain(data); err != nil {
			t.Errorf("%x: %v", data, err)
		}
		if checkPlain(append(data[:len(data):len(data)], 0)) == nil {
			t.Errorf("%x with a byte more was taken", data)
		}
		for cut := range data {
			if checkPlain(data[:cut]) == nil {
				t.Errorf("%x was taken, cut from %x", data[:cut], data)
			}
		}
	}
	if seen < 40 {
		t.Errorf("read %d vectors", seen)
	}
}
