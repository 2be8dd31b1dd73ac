package ledger

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"aval/domain"
	"aval/domain/canon"
	"aval/domain/envelope"
)

// The formats of entries that nobody submits.
const (
	genesisFormat  = "genesis"
	deadlineFormat = "deadline"
	sealFormat     = "seal"
)

// submission is a parsed item: a command, or an observation in the clothes of a command.
type submission struct {
	format      string
	raw         []byte
	command     domain.Command
	observation *domain.Observation
	shell       domain.Signed
	fingerprint []byte
	// judged is the key under which the signature was checked, verdict what came of it; nil while nobody checked it.
	judged  *domain.Key
	verdict error
	// spoke is what authenticate last said, and in which state of the registry at which time.
	spoke struct {
		registry uint64
		now      domain.Millis
		sender   domain.PartyID
		err      error
	}
	// ticket is where the waiting submitter of this node is told; nil for others' items.
	ticket *Ticket
	// disclosures are the private values that came with a command; none when it is executed again.
	disclosures [][]byte
}

// parse reads an item of a known format. It checks form and never the signature. Errors are *domain.Rejection.
func (e executor) parse(format string, raw []byte) (*submission, error) {
	if format == CommandFormat {
		return parseCommand(raw)
	}
	if format == genesisFormat {
		return parseGenesis(raw)
	}
	if own, ok := saying(format); ok {
		return e.parseSaid(format, own, raw)
	}
	codec, ok := e.codecs[format]
	if !ok {
		return nil, domain.Refuse(domain.Malformed, "format %.40q is not one this ledger reads", format)
	}
	if len(raw) > domain.MaxCommandBytes {
		return nil, domain.Refuse(domain.TooLarge, "%d bytes, limit %d", len(raw), domain.MaxCommandBytes)
	}
	o, shell, err := codec.Decode(raw)
	if err != nil {
		return nil, err
	}
	if err := envelope.CheckObservation(o.Kind, o.Subject, o.Epoch, o.Sequence); err != nil {
		return nil, err
	}
	o.KeyID = shell.KeyID // the identity belongs to the key that signed, whatever the message says
	return &submission{
		format: format, raw: raw, observation: &o, shell: shell, fingerprint: o.Fingerprint,
		command: domain.Command{Ledger: o.Ledger, Kind: o.Kind, Contract: o.Subject, Name: domain.Observe},
	}, nil
}

// parseCommand parts the signed text, which is all that the log and every execution see, from
// the disclosures behind it.
func parseCommand(raw []byte) (*submission, error) {
	jws, disclosures, err := envelope.Split(raw)
	if err != nil {
		return nil, err
	}
	command, shell, err := envelope.OpenCommand(jws)
	if err != nil {
		return nil, err
	}
	return &submission{
		format: CommandFormat, raw: jws, command: command, shell: shell, fingerprint: envelope.Fingerprint(shell), disclosures: disclosures,
	}, nil
}

// parseGenesis reads the first item of a ledger, which is unsigned: whoever makes the
// ledger's keys states it, and every verifier sees it at index 0.
func parseGenesis(raw []byte) (*submission, error) {
	var g domain.Genesis
	if err := canon.DecodeJSON(raw, &g); err != nil {
		return nil, domain.Refuse(domain.Malformed, "genesis: %.120v", err)
	}
	sum := sha256.Sum256(raw)
	return &submission{format: genesisFormat, raw: raw, fingerprint: sum[:], command: domain.Command{
		Ledger: g.Ledger, ID: genesisFormat, Kind: domain.GovernanceKind, Contract: "ledger", Name: "Genesis", Body: raw,
	}}, nil
}

// identity names what may have one effect only: a sender's command ID, or a device key's
// epoch and sequence.
func (s *submission) identity(sender domain.PartyID) string {
	if s.observation != nil {
		return fmt.Sprintf("observation %s %d %d", s.observation.KeyID, s.observation.Epoch, s.observation.Sequence)
	}
	return "command " + string(sender) + " " + s.command.ID
}

// unsigned says that no party speaks: it is the genesis, or what the node itself says.
func (s *submission) unsigned() bool {
	_, own := saying(s.format)
	return own || s.format == genesisFormat
}

// authenticate gives the party that speaks, if the signature holds: the holder of the key,
// or the operator of the device or source.
func (s *submission) authenticate(st *State, now domain.Millis) (domain.PartyID, error) {
	if s.unsigned() {
		return "", nil
	}
	if s.spoke.now != now || s.spoke.registry != st.registry {
		s.spoke.now, s.spoke.registry = now, st.registry
		s.spoke.sender, s.spoke.err = s.speaker(registry{st}, now)
	}
	return s.spoke.sender, s.spoke.err
}

func (s *submission) speaker(r domain.Registry, now domain.Millis) (domain.PartyID, error) {
	key, ok := r.Key(s.shell.KeyID)
	if !ok {
		return "", s.unknownKey()
	}
	if err := s.ofErased(r, key); err != nil {
		return "", err
	}
	if !key.ActiveAt(now) {
		return "", s.unknownKey()
	}
	sender, err := s.holder(r, key)
	if err == nil {
		err = s.verify(key)
	}
	if err == nil {
		err = frozen(r, sender)
	}
	return sender, err
}

// ofErased refuses the command of a party that was erased. Its keys are revoked, and to whoever does not hold one
// they are unknown, as any others.
func (s *submission) ofErased(r domain.Registry, key domain.Key) error {
	party, _ := r.Party(domain.PartyID(key.Holder))
	if key.Class != domain.PartyHolder || party.Erased == 0 {
		return nil
	}
	if s.verify(key) != nil {
		return s.unknownKey()
	}
	return domain.Refuse(domain.Erased, "party %s was erased: it signs nothing more", party.ID)
}

// frozen refuses whatever a frozen party says, itself or by its devices and sources.
func frozen(r domain.Registry, speaker domain.PartyID) error {
	if party, _ := r.Party(speaker); party.Frozen != 0 {
		return domain.Refuse(domain.Frozen, "party %s is frozen: it may read, and nothing else", speaker)
	}
	return nil
}

func (s *submission) unknownKey() error {
	return domain.Refuse(domain.UnknownKey, "key %.43q is not registered or not active", s.shell.KeyID)
}

// holder gives the party that the submission claims to come from, and fills in what the
// registry says of the origin of an observation. It does not check the signature.
func (s *submission) holder(r domain.Registry, key domain.Key) (domain.PartyID, error) {
	byParty := key.Class == domain.PartyHolder
	switch {
	case s.observation == nil && byParty:
		return domain.PartyID(key.Holder), nil
	case s.observation != nil && (!byParty || s.observation.OfParties):
		return s.originate(r, key)
	}
	return "", domain.Refuse(domain.UnknownKey, "a %s key does not sign this format", key.Class)
}

// verify checks the signature, unless that was done under the same key before.
func (s *submission) verify(key domain.Key) error {
	if s.judged == nil || !sameKey(*s.judged, key) {
		s.judged, s.verdict = &key, envelope.Verify(key, s.shell)
	}
	return s.verdict
}

// sameKey says whether a signature that holds under one key holds under the other, so that
// a registration changed since admission is judged as every replay judges it.
func sameKey(a, b domain.Key) bool {
	return a.ID == b.ID && a.Algorithm == b.Algorithm && bytes.Equal(a.Public, b.Public)
}

// originate fills in what the registry says of the origin of an observation. A holder that
// the message itself names must be the holder of the key.
func (s *submission) originate(r domain.Registry, key domain.Key) (domain.PartyID, error) {
	holder, party := key.Holder, domain.PartyID(key.Holder)
	if key.Class == domain.PartyHolder {
		holder = domain.HolderOf(party)
	}
	if stated := s.observation.Holder; stated != "" && stated != holder {
		return "", domain.Refuse(domain.UnknownKey, "the key does not belong to the device that the message names")
	}
	s.observation.Holder = holder
	if key.Class == domain.PartyHolder {
		_, ok := r.Party(party)
		s.observation.Operator, s.observation.Family = party, ""
		return party, operable(r, party, ok, key)
	}
	if key.Class == domain.SourceHolder {
		source, ok := r.Source(key.Holder)
		s.observation.Operator, s.observation.Family = source.Operator, source.Family
		return source.Operator, operable(r, source.Operator, ok, key)
	}
	device, ok := r.Device(key.Holder)
	s.observation.Operator, s.observation.Family = device.Operator, ""
	return device.Operator, operable(r, device.Operator, ok, key)
}

// operable refuses a device or source that is not registered, or whose operator was erased.
func operable(r domain.Registry, operator domain.PartyID, registered bool, key domain.Key) error {
	party, _ := r.Party(operator)
	if registered && party.Erased == 0 {
		return nil
	}
	return domain.Refuse(domain.UnknownKey, "%s %.64q is not registered", key.Class, key.Holder)
}
