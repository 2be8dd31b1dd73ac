package ledger

import (
	"errors"
	"fmt"

	"aval/domain/canon"
)

// ReadFields lists the fields that a receipt shows, without verifying anything: for its holder to choose from.
func ReadFields(receipt []byte) ([]Field, error) {
	_, x, err := parseReceipt(receipt)
	if err != nil {
		return nil, fmt.Errorf("read receipt: %w", err)
	}
	var shown []Field
	for _, f := range x.Fields {
		if !f.hidden() {
			shown = append(shown, Field{f.Path, f.Value})
		}
	}
	return shown, nil
}

// Disclose makes of a receipt one that shows the header and the fields of the given paths,
// and of each other field of the view only the hash of it with its salt. It verifies under the
// same policy, and nobody can find out from it what is hidden. It needs no key and no
// connection, and checks no signature. A path that the receipt does not show is an error.
func Disclose(receipt []byte, paths []string) ([]byte, error) {
	partial, err := disclose(receipt, paths)
	if err != nil {
		return nil, fmt.Errorf("disclose fields: %w", err)
	}
	return partial, nil
}

func disclose(receipt []byte, paths []string) ([]byte, error) {
	p, x, err := parseReceipt(receipt)
	if err != nil {
		return nil, err
	}
	if len(x.Fields) == 0 {
		return nil, errors.New("the receipt discloses no content")
	}
	if x.Fields[0].Path != headerPath {
		return nil, errors.New("the receipt shows a whole entry to an auditor: that has no fields to choose from")
	}
	if _, err := x.checkView(); err != nil {
		return nil, err
	}
	wanted := map[string]bool{headerPath: true}
	for _, path := range paths {
		wanted[path] = true
	}
	for i, f := range x.Fields {
		if f.hidden() {
			continue
		}
		if !wanted[f.Path] {
			x.Fields[i] = f.hide()
		}
		delete(wanted, f.Path)
	}
	for _, path := range paths {
		if wanted[path] {
			return nil, fmt.Errorf("%.80q is not a field that the receipt shows", path)
		}
	}
	if p.ExtraData, err = canon.Marshal(x); err != nil {
		return nil, err
	}
	return p.Marshal(), nil
}
