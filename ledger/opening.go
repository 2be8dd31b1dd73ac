package ledger

import (
	"context"
	"fmt"

	"aval/domain"
)

// openingHeading begins the note in which a node says how it came by its keys; maxOpening bounds it in bytes.
const (
	openingHeading = "aval opening 1\n"
	maxOpening     = 4096
)

// RecordOpening puts into the log how this node came by its keys, and returns when it is there.
// It is for a running engine, and one that runs alone: nobody else is asked.
func (e *Engine) RecordOpening(ctx context.Context, o domain.Opening) error {
	s, _ := saying(openingFormat)
	signed, err := e.say(s, o)
	if err != nil {
		return fmt.Errorf("record opening: %w", err)
	}
	if err := e.orderer.Propose(ctx, Item{Format: openingFormat, Raw: signed}); err != nil {
		return err
	}
	for {
		changed := e.Changed()
		if e.Opening().ID == o.ID {
			return nil
		}
		select {
		case <-changed:
		case <-e.stopped:
			return ErrClosed
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
