package client

import (
	"crypto/rand"
	"time"

	"github.com/oklog/ulid/v2"

	"aval/domain"
	"aval/domain/envelope"
)

// Sign gives a command a fresh ID of the time now and a limit of lifetime from then, and signs
// it. Keep the bytes until there is an answer: sent again they have one effect, signed again two.
func Sign(signer *envelope.Signer, c domain.Command, now time.Time, lifetime time.Duration) ([]byte, error) {
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return nil, err
	}
	c.ID, c.NotAfter = id.String(), domain.Millis(now.Add(lifetime).UnixMilli())
	return envelope.SealCommand(signer, c)
}
