package ledger

import (
	"context"
	"fmt"

	"aval/domain"
)

// accessHeading begins the note in which a node says who read what under a grant; maxAccess bounds it in bytes.
const (
	accessHeading = "aval access 1\n"
	maxAccess     = 128 << 10
)

// RecordAccess puts an access into the log and returns when it is durable. Any error means that what was
// read must not be answered. Accesses that come together share a batch.
func (e *Engine) RecordAccess(ctx context.Context, r domain.Access) error {
	format, _ := saying(accessFormat)
	signed, err := e.say(format, r)
	if err != nil {
		return fmt.Errorf("record access: %w", err)
	}
	s, err := e.parse(accessFormat, signed)
	if err == nil {
		err = e.admitSpace()
	}
	if err != nil {
		return err
	}
	s.ticket = &Ticket{engine: e, id: s.command.ID, fingerprint: s.fingerprint, done: make(chan struct{})}
	if err := e.orderer.Propose(ctx, Item{Format: accessFormat, Raw: signed, checked: s}); err != nil {
		return err
	}
	reply, err := s.ticket.Reply(ctx, ForCommitted)
	if err == nil && (reply.Code != "" || reply.Duplicate) {
		err = fmt.Errorf("record access: %s, duplicate %v", reply.Code, reply.Duplicate)
	}
	return err
}
