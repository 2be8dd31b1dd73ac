package api

import (
	"net/http"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// captureType is the typ of a signed capture, and the format under which the engine reads it.
const captureType = "aval-capture+jws"

// capture hands a carrier's signed document to the engine, which reads it. 200 with where it stands in the log; the
// problem document of its code if it was refused, which names the field that it was refused for.
func (s *Server) capture(c call) error {
	wait, err := c.query.wait()
	if err == nil && wait == ledger.ForAccepted {
		err = domain.Refuse(domain.Malformed, "wait: want committed, receipt or witnessed")
	}
	if err != nil {
		return err
	}
	reply, err := s.enter(c, captureType, captureType, wait)
	if err != nil {
		return err
	}
	answer := captured{
		Index: reply.Index, Sequence: reply.Sequence, BookedAt: reply.BookedAt, Duplicate: reply.Duplicate, Receipt: reply.Receipt,
	}
	if wait == ledger.ForWitnessed {
		answer.Witnessed = &reply.Witnessed
	}
	return c.JSON(http.StatusOK, answer)
}

// captured says where in the log a capture stands. Its identity is that of its key, epoch and sequence.
type captured struct {
	Index     uint64        `json:"index"`
	Sequence  uint64        `json:"sequence"`
	BookedAt  domain.Millis `json:"bookedAt"`
	Duplicate bool          `json:"duplicate,omitempty"`
	Receipt   string        `json:"receipt,omitempty"`
	Witnessed *bool         `json:"witnessed,omitempty"`
}

// payer gives an active key that may sign a message of that type, and the party whose requests it spends.
func (s *Server) payer(typ, keyID string) (key domain.Key, payer string, active bool) {
	if typ == envelope.CommandType {
		key, active = s.activeKey(keyID)
		return key, key.Holder, active
	}
	if key, active = s.activeKey(keyID); active {
		return key, key.Holder, true
	}
	registry := s.ledger.Registry()
	key, found := registry.Key(keyID)
	device, known := registry.Device(key.Holder)
	return key, string(device.Operator), found && known && key.Class == domain.DeviceHolder && key.ActiveAt(millis(s.now()))
}
