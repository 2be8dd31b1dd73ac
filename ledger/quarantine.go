package ledger

import (
	"fmt"

	"aval/domain"
	"aval/domain/canon"
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
	var chunk []StoredMessage
	size, files := 0, 0
	flush := func() error {
		data, err := canon.Marshal(chunk)
		if err == nil {
			err = x.put(quarantineName(files), data)
		}
		chunk, size, files = nil, 0, files+1
		return err
	}
	err := messages.Messages(func(m StoredMessage) error {
		chunk, size = append(chunk, m), size+len(m.Body)
		if size < chunkBytes {
			return nil
		}
		return flush()
	})
	if err == nil && len(chunk) > 0 {
		err = flush()
	}
	return err
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
