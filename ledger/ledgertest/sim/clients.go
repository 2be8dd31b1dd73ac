package sim

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/oklog/ulid/v2"

	"aval/domain"
	"aval/domain/envelope"
)

// clients sign and remember what they signed.
type clients struct {
	s *simulation
	// random makes keys and IDs; it is apart from the chances of the steps.
	random *rand.ChaCha8
	// signers are all keys that exist, registered or not, by holder.
	signers map[string][]*envelope.Signer
	owners  map[string]string
	// all is every submission ever made.
	all []*submission
	// texts counts what was signed.
	texts int
	// next is the last sequence that each source used.
	next map[string]uint64
}

// The cast. Its root is member and auditor, registered by genesis and left alone.
const root domain.PartyID = "root"

var (
	banks   = []domain.PartyID{"bank-one", "bank-two"}
	traders = []domain.PartyID{"acme", "bolt", "cargo", "delta", "ember"}
	members = []domain.PartyID{"root", "second"}
	people  = append(append([]domain.PartyID{"second"}, banks...), traders...)
	sources = []string{"radar", "sonar"}
)

// keysEach is how many keys a holder has from the start; only the first is registered with it.
const keysEach = 3

// confided is of how many commands one carries a private value.
const confided = 6

func newClients(s *simulation, seed uint64) (*clients, error) {
	var material [32]byte
	for i := range 8 {
		material[i] = byte(seed >> (8 * i))
	}
	c := &clients{s: s, random: rand.NewChaCha8(material), signers: map[string][]*envelope.Signer{}, owners: map[string]string{}, next: map[string]uint64{}}
	holders := append([]string{string(root)}, sources...)
	for _, p := range append(guests, people...) {
		holders = append(holders, string(p))
	}
	for i, h := range holders {
		for n := range keysEach {
			algorithm := envelope.EdDSA
			if (i+n)%7 == 6 {
				algorithm = envelope.ES256
			}
			if _, err := c.addSigner(h, algorithm); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

func (c *clients) addSigner(holder, algorithm string) (*envelope.Signer, error) {
	signer, err := envelope.NewSigner(algorithm, c.random)
	if err != nil {
		return nil, err
	}
	c.signers[holder] = append(c.signers[holder], signer)
	c.owners[signer.Key.ID] = holder
	return signer, nil
}

// active gives the keys of a holder that the model has registered, if there are any.
func (c *clients) active(holder string) []*envelope.Signer {
	var all []*envelope.Signer
	for _, s := range c.signers[holder] {
		if k := c.s.model.keys[s.Key.ID]; k != nil && k.revoked == 0 {
			all = append(all, s)
		}
	}
	return all
}

// signer picks a key of a holder: nearly always one that works.
func (c *clients) signer(ch chance, holder string) *envelope.Signer {
	if works := c.active(holder); len(works) > 0 && !c.s.happens(Mischief, 30) {
		return pick(ch, works)
	}
	return pick(ch, c.signers[holder])
}

func (c *clients) newID(now domain.Millis) string {
	return ulid.MustNew(uint64(max(now, 0)), c.random).String()
}

// sign seals a command as the submission describes it.
func (c *clients) sign(ch chance, s *submission, signer *envelope.Signer, body any) (*submission, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	s.format, s.key, s.holder = envelope.CommandType, signer.Key.ID, c.owners[signer.Key.ID]
	command := domain.Command{
		Ledger: s.ledger, ID: s.id, Kind: s.kind, Contract: s.contract, Name: s.name, Body: text, NotAfter: s.notAfter,
	}
	var values []envelope.Value
	if c.texts%confided == 0 {
		values = c.secret(ch, s)
	}
	command, disclosures, err := envelope.Attach(command, values, c.random)
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		s.digest = command.Private[0].Digest
	}
	raw, err := envelope.SealCommand(c.forger(ch, s, signer), command)
	s.raw = envelope.Join(raw, disclosures...)
	return c.keep(s), err
}

// observe seals an observation.
func (c *clients) observe(ch chance, s *submission, signer *envelope.Signer, note string) (*submission, error) {
	s.format, s.key, s.holder, s.name = envelope.ObservationType, signer.Key.ID, c.owners[signer.Key.ID], domain.Observe
	var err error
	s.raw, err = envelope.SealObservation(c.forger(ch, s, signer), domain.Observation{
		Ledger: s.ledger, Kind: s.kind, Subject: s.contract, Epoch: s.epoch, Sequence: s.sequence, ObservedAt: c.s.clock,
		Flight: &domain.FlightStatus{Leg: s.contract, Phase: domain.FlightUnknown, Source: s.holder, RawSHA256: []byte(note), FetchedAt: c.s.clock},
	})
	return c.keep(s), err
}

// forger is who really signs: with a forged signature, somebody who only claims the key.
func (c *clients) forger(ch chance, s *submission, signer *envelope.Signer) *envelope.Signer {
	if !s.forged {
		return signer
	}
	liar := *c.signers["acme"][0]
	if signer.Key.ID == liar.Key.ID {
		liar = *c.signers["bolt"][0]
	}
	liar.Key = signer.Key
	return &liar
}

func (c *clients) keep(s *submission) *submission {
	s.n, s.text = len(c.all), c.texts
	c.texts++
	c.all = append(c.all, s)
	c.s.report.Commands++
	return s
}

// breakBytes makes of a submission one that is no message, or not the one that was signed.
func (c *clients) breakBytes(ch chance, s *submission) *submission {
	broken := *s
	broken.broken, broken.raw = true, append([]byte{}, s.raw...)
	switch ch.IntN(3) {
	case 0:
		broken.raw = broken.raw[:ch.IntN(len(broken.raw))]
	case 1:
		broken.raw[ch.IntN(len(broken.raw))] ^= 1 << ch.IntN(7)
	default:
		broken.raw = fmt.Appendf(broken.raw, ".%x", ch.Uint64())
	}
	return c.keep(&broken)
}
