package domain

import (
	"errors"
	"fmt"
)

// CheckBulk refuses a bulk command of no items or of more than MaxBulk, with LimitExceeded.
func CheckBulk(items int) error {
	if items < 1 || items > MaxBulk {
		return Refuse(LimitExceeded, "items: %d, want 1 to %d", items, MaxBulk)
	}
	return nil
}

// AtItem says which item of a bulk command a refusal is about, counted from 0. The code
// stays; nil and errors that are no refusal are given back as they are.
func AtItem(i int, err error) error {
	var refusal *Rejection
	if !errors.As(err, &refusal) {
		return err
	}
	return &Rejection{Code: refusal.Code, Detail: fmt.Sprintf("items[%d]: %s", i, refusal.Detail)}
}
