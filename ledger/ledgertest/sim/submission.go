package sim

import (
	"crypto/sha256"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// submission is one message as its maker knows it. The model reads this and never the bytes.
type submission struct {
	n      int
	format string
	raw    []byte
	// key signs it in the name of holder.
	key, holder string
	// text numbers what was signed: two submissions of one text are the same message.
	text int
	// broken bytes are no message at all; a forged signature is not that of the key.
	broken, forged bool
	ledger         string
	id             string
	kind           domain.Kind
	contract, name string
	notAfter       domain.Millis
	wants          request
	// epoch and sequence identify an observation.
	epoch, sequence uint64
	// digest is that of the private value behind a command, empty for none; subject is whom it is about.
	digest  string
	subject domain.PartyID
}

// request is what a command asks for: the fields of all bodies.
type request struct {
	to      domain.PartyID
	amount  domain.Money
	at      domain.Millis
	watched bool
	length  int64
	// id is that of a redemption or a key.
	id string
	// roles, key, class and holder are what governance is asked to register.
	roles  []domain.Role
	key    string
	class  domain.HolderClass
	holder string
	// final ends a hold, number is that of a posting in an entry, bounds are most, least and daily.
	final  bool
	number int
	bounds [3]int64
	// items are the payments of a bulk.
	items []request
	// hopeless bodies are refused by their kind, whatever else is true.
	hopeless bool
}

func (s *submission) observation() bool { return s.format == envelope.ObservationType }

// fingerprint is the SHA-256 of what was signed.
func (s *submission) fingerprint() []byte {
	end := len(s.raw)
	for end > 0 && s.raw[end-1] != '.' {
		end--
	}
	sum := sha256.Sum256(s.raw[:max(end-1, 0)])
	return sum[:]
}

// call is one copy of a submission on its way to the engine. The address of its bytes tells
// it from other copies in a batch.
type call struct {
	*submission
	raw      []byte
	ticket   *ledger.Ticket
	wait     ledger.Wait
	answered bool
}

// verdict is what the model allows as a result: success, or a refusal by one of the codes.
type verdict struct {
	codes []domain.Code
	// any allows every refusal.
	any bool
}

func (v *verdict) refuse(wrong bool, code domain.Code) {
	if wrong {
		v.codes = append(v.codes, code)
	}
}

func (v verdict) success() bool { return len(v.codes) == 0 && !v.any }

// allows says whether a code, empty for success, may be the result.
func (v verdict) allows(code domain.Code) bool {
	if v.success() || code == "" {
		return v.success() && code == ""
	}
	for _, c := range v.codes {
		if c == code {
			return true
		}
	}
	return v.any
}
