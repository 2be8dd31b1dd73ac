package ledger

import (
	"fmt"

	"aval/domain"
)

// StoredMessage is one message in quarantine.
type StoredMessage struct {
	At     domain.Millis `json:"at"`
	Reason string        `json:"reason"`
	// Body is sealed.
	Body []byte `json:"body"`
}

// Quarantine is what a Store can tell of the messages that were not admitted.
type Quarantine interface {
	// Messages visits them in the order in which they came.
	Messages(visit func(StoredMessage) error) error
}

// quarantinePlace is where a message is sealed for: with its time and reason, so that neither
// can be changed.
func quarantinePlace(at domain.Millis, reason string) string {
	return fmt.Sprintf("quarantine %d %s", at, reason)
}

func quarantineName(n int) string { return fmt.Sprintf("%s%d", quarantineDir, n) }

// quarantine writes the messages as canonical lists.
func (x *export) quarantine(messages Quarantine) error {
	c := chunks[StoredMessage]{put: x.put, name: quarantineName}
	if err := messages.Messages(func(m StoredMessage) error { return c.add(m, len(m.Body)) }); err != nil {
		return err
	}
	return c.flush()
}

// compareQuarantine opens every message that the store keeps.
func (a *audit) compareQuarantine() error {
	kept, ok := a.archive.(Quarantine)
	if !ok {
		return nil
	}
	return kept.Messages(func(m StoredMessage) error {
		_, err := a.vault.open(quarantinePlace(m.At, m.Reason), m.Body)
		return err
	})
}
