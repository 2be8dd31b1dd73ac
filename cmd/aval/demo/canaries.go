package demo

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"

	"aval/domain/canon"
)

// canary is something that must not stand in clear in any file of a node.
type canary struct {
	name    string
	pattern []byte
}

// textCanaries looks for names as text, amountCanaries for amounts as decimal text and as
// the integers of canonical CBOR.
func textCanaries(words ...string) (all []canary) {
	for _, w := range words {
		all = append(all, canary{w, []byte(w)})
	}
	return all
}

func amountCanaries(minor ...int64) (all []canary, err error) {
	for _, m := range minor {
		encoded, err := canon.Marshal(m)
		if err != nil {
			return nil, err
		}
		decimal, err := canon.ToJSON(encoded)
		if err != nil {
			return nil, err
		}
		all = append(all, canary{string(decimal), decimal}, canary{string(decimal) + " as CBOR", encoded})
	}
	return all, nil
}

// searchCanaries reads every file under dir whole and returns what it found where.
func searchCanaries(dir string, canaries []canary) (found []string, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, c := range canaries {
			if bytes.Contains(data, c.pattern) {
				found = append(found, c.name+" in "+filepath.Base(path))
			}
		}
		return nil
	})
	return found, err
}
