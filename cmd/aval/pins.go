package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aval/api/client"
	"aval/domain/canon"
)

const (
	// maxPins bounds the nodes in one file.
	maxPins = 1000
	// pinLife is how long an appraisal counts for who has a policy to repeat it by: firmware ages and
	// releases are withdrawn while a node runs on.
	pinLife = 24 * time.Hour
)

// pin is a node's key, and what was appraised when it was pinned.
type pin struct {
	// Host is host:port as it stands in the address.
	Host string `json:"host"`
	// Key is sha256:HEX of the SubjectPublicKeyInfo.
	Key         string `json:"key"`
	Ledger      string `json:"ledger"`
	LogKey      string `json:"logKey"`
	Platform    string `json:"platform"`
	Measurement string `json:"measurement"`
	// Simulated: nothing was proven.
	Simulated bool `json:"simulated,omitempty"`
	// At is when the node was appraised (UTC).
	At time.Time `json:"at"`
}

// pins are the keys that are known. One command uses them.
type pins struct {
	// path is the file, empty if there is none.
	path string
	// only is the key that was named on the command line.
	only *client.KeyHash
	// Pins are one for each host.
	Pins []pin `json:"pins"`
}

// openPins reads "sha256:HEX", or a file, which need not exist yet.
func openPins(text string) (*pins, error) {
	p := &pins{}
	if digits, named := strings.CutPrefix(text, "sha256:"); named {
		key, err := hex.DecodeString(digits)
		if err != nil || len(key) != len(client.KeyHash{}) {
			return nil, errors.New("--pin: want sha256: and 64 hex digits, as aval node prints them")
		}
		p.only = (*client.KeyHash)(key)
		return p, nil
	}
	if text == "" {
		return p, nil
	}
	data, err := readBounded(text, maxInput)
	if err == nil {
		err = canon.DecodeJSON(data, p)
	}
	p.path = text
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return nil, fmt.Errorf("--pin %s: %w", text, err)
	}
	return p, nil
}

// has says whether the host's key is the known one, and whether what was appraised is simulated. Appraised is whether it
// could be appraised again: then an old pin does not count.
func (p *pins) has(host string, key client.KeyHash, appraised bool, now time.Time) (known, simulated bool) {
	if p.only != nil {
		return *p.only == key, false
	}
	for _, pin := range p.Pins {
		if pin.Host == host && pin.Key == key.String() && (!appraised || now.Sub(pin.At) < pinLife) {
			return true, pin.Simulated
		}
	}
	return false, false
}

// put keeps one pin for each host, in the file too if there is one.
func (p *pins) put(n pin) error {
	p.Pins = append(slices.DeleteFunc(p.Pins, func(old pin) bool { return old.Host == n.Host }), n)
	if len(p.Pins) > maxPins {
		return fmt.Errorf("pins %s: %d nodes, limit %d", p.path, len(p.Pins), maxPins)
	}
	if p.path == "" {
		return nil
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(p.path, append(text, '\n'))
}

// replaceFile puts a whole file into the place of another at once.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
