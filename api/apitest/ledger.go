// Package apitest holds a ledger in memory for tests of the API and of its client. It keeps
// the engine's promises to the API: real signatures, one effect per command, refusals that are logged,
// a seal leaf after each entry, a real tree, views by party. It knows three commands of cash/1: issue,
// transfer, and refuse, which is refused with the code in its body.
package apitest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// Origin is the name of every ledger of this package.
const Origin = "ledger.example/test"

// entry is one leaf of the log; a seal has no parties.
type entry struct {
	view        ledger.EntryView
	id          string
	sender      domain.PartyID
	parties     []domain.PartyID
	fingerprint []byte
	leaf        []byte
}

// record is one record and who may see it.
type record struct {
	view    ledger.RecordView
	parties []domain.PartyID
}

// Ledger is safe for concurrent use.
type Ledger struct {
	hook     func(ctx context.Context, method string) error
	signer   note.Signer
	verifier note.Verifier
	mu       sync.Mutex
	keys     map[string]domain.Key
	entries  []entry
	hashes   []tlog.Hash
	byID     map[string]int
	records  []record
	balances map[domain.AccountID]map[domain.Currency]int64
	now      domain.Millis
	changed  chan struct{}
	// private are the values beside the log.
	private []privateValue
}

// New makes an empty ledger.
func New() *Ledger {
	private, public, err := note.GenerateKey(rand.Reader, Origin)
	if err != nil {
		panic(err)
	}
	l := &Ledger{
		keys: map[string]domain.Key{}, byID: map[string]int{}, changed: make(chan struct{}), now: 1_700_000_000_000,
		balances: map[domain.AccountID]map[domain.Currency]int64{},
	}
	if l.signer, err = note.NewSigner(private); err != nil {
		panic(err)
	}
	if l.verifier, err = note.NewVerifier(public); err != nil {
		panic(err)
	}
	return l
}

// Enrol registers a new key for a holder and gives its signer.
func (l *Ledger) Enrol(class domain.HolderClass, holder string) *envelope.Signer {
	signer, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		panic(err)
	}
	key := signer.Key
	key.Class, key.Holder = class, holder
	l.Register(key)
	return signer
}

// Register puts a key into the registry, or replaces it.
func (l *Ledger) Register(key domain.Key) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.keys[key.ID] = key
}

// Verifier checks the ledger's notes.
func (l *Ledger) Verifier() note.Verifier { return l.verifier }

// Break makes every method begin with the hook: an error is what the method returns; the
// hook may also block or panic. nil heals.
func (l *Ledger) Break(hook func(ctx context.Context, method string) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hook = hook
}

func (l *Ledger) fault(ctx context.Context, method string) error {
	l.mu.Lock()
	hook := l.hook
	l.mu.Unlock()
	if hook == nil {
		return nil
	}
	return hook(ctx, method)
}

// Origin is the constant.
func (l *Ledger) Origin() string { return Origin }

// captureFormat is that of a carrier's document.
const captureFormat = "aval-capture+jws"

// capture takes the document of a device or a party, which it does not read: a subject that is a refusal code is refused with it.
func (l *Ledger) capture(raw []byte, wait ledger.Wait) (ledger.Reply, error) {
	var body struct{ Subject domain.Code }
	shell, payload, err := envelope.Open(captureFormat, raw)
	if err == nil {
		err = json.Unmarshal(payload, &body)
	}
	if err != nil {
		return ledger.Reply{}, domain.Refuse(domain.Malformed, "no capture")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key, known := l.keys[shell.KeyID]
	if !known || key.Class == domain.SourceHolder {
		return ledger.Reply{}, domain.Refuse(domain.UnknownKey, "key is not registered")
	}
	if err := envelope.Verify(key, shell); err != nil {
		return ledger.Reply{}, err
	}
	reply := ledger.Reply{Index: 1, Sequence: 1, BookedAt: 1, Witnessed: wait == ledger.ForWitnessed}
	if body.Subject == domain.NotFound || body.Subject == domain.WrongState || body.Subject == domain.NotEvidence {
		reply.Code, reply.Detail = body.Subject, "as it was told"
	}
	return reply, nil
}

// Submit executes a command at once.
func (l *Ledger) Submit(ctx context.Context, format string, raw []byte, wait ledger.Wait) (ledger.Reply, error) {
	if err := l.fault(ctx, "Submit"); err != nil {
		return ledger.Reply{}, err
	}
	if format == captureFormat {
		return l.capture(raw, wait)
	}
	jws, disclosures, err := envelope.Split(raw)
	if err != nil {
		return ledger.Reply{}, err
	}
	command, shell, err := envelope.OpenCommand(jws)
	if err == nil {
		err = envelope.CheckDisclosures(command.Private, disclosures)
	}
	if err != nil {
		return ledger.Reply{}, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key, known := l.keys[shell.KeyID]
	switch {
	case format != ledger.CommandFormat:
		return ledger.Reply{}, domain.Refuse(domain.Malformed, "format is not read here")
	case command.Ledger != Origin:
		return ledger.Reply{}, domain.Refuse(domain.WrongLedger, "signed for another ledger")
	case !known || key.Class != domain.PartyHolder:
		return ledger.Reply{}, domain.Refuse(domain.UnknownKey, "key is not registered")
	case envelope.Verify(key, shell) != nil:
		return ledger.Reply{}, envelope.Verify(key, shell)
	case command.Kind != domain.CashKind:
		return ledger.Reply{}, domain.Refuse(domain.UnknownKind, "kind is not built in")
	}
	sender := domain.PartyID(key.Holder)
	index, duplicate, err := l.order(sender, command, envelope.Fingerprint(shell))
	if err != nil || wait == ledger.ForAccepted {
		return ledger.Reply{ID: command.ID}, err
	}
	l.keep(uint64(index), sender, command.Private, disclosures)
	reply := l.entries[index].reply()
	reply.Duplicate = duplicate
	if wait >= ledger.ForReceipt {
		receipt, err := l.receipt(index)
		reply.Receipt, reply.Witnessed = string(receipt), wait == ledger.ForWitnessed
		return reply, err
	}
	return reply, nil
}

func (e entry) reply() ledger.Reply {
	return ledger.Reply{
		ID: e.id, Index: e.view.Index, Sequence: e.view.Sequence, BookedAt: e.view.BookedAt,
		Code: e.view.Code, Detail: e.view.Detail,
	}
}

// order gives a command its one place in the log.
func (l *Ledger) order(sender domain.PartyID, command domain.Command, fingerprint []byte) (index int, duplicate bool, err error) {
	name := string(sender) + " " + command.ID
	if index, seen := l.byID[name]; seen {
		if !bytes.Equal(l.entries[index].fingerprint, fingerprint) {
			return 0, false, domain.Refuse(domain.IDConflict, "this ID was used for other bytes")
		}
		return index, true, nil
	}
	index = len(l.entries)
	l.now++
	e := entry{id: command.ID, sender: sender, parties: []domain.PartyID{sender}, fingerprint: fingerprint}
	e.view = ledger.EntryView{
		Index: uint64(index), Sequence: uint64(index/2 + 1), BookedAt: l.now,
		Kind: command.Kind, Contract: command.Contract, Name: command.Name,
	}
	if err := l.execute(&e, command); err != nil {
		refused := err.(*domain.Rejection)
		e.view.Code, e.view.Detail = refused.Code, refused.Detail
	}
	l.byID[name] = index
	l.append(e)
	l.append(entry{}) // the seal
	close(l.changed)
	l.changed = make(chan struct{})
	return index, false, nil
}

// execute moves the money of one command. Errors are *domain.Rejection.
func (l *Ledger) execute(e *entry, command domain.Command) error {
	var body struct {
		To     domain.PartyID `json:"to"`
		Amount domain.Money   `json:"amount"`
		Code   domain.Code    `json:"code"`
	}
	if err := command.DecodeBody(&body); err != nil {
		return err
	}
	debit := domain.PartyAccount(e.sender)
	switch command.Name {
	case "refuse":
		return domain.Refuse(body.Code, "refused as asked")
	case "issue":
		debit = domain.IssueAccount(e.sender)
	case "transfer":
		if l.balances[debit][body.Amount.Currency] < body.Amount.Minor {
			return domain.Refuse(domain.InsufficientFunds, "the account does not hold that much")
		}
	default:
		return domain.Refuse(domain.UnknownCommand, "no such command")
	}
	p := domain.Posting{Debit: debit, Credit: domain.PartyAccount(body.To), Amount: body.Amount, Purpose: command.Name}
	if err := p.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	l.book(p)
	e.parties = append(e.parties, body.To)
	id := domain.NewRecordID(command.Kind, "transfer/"+command.ID)
	e.view.Postings = []ledger.PostingView{{
		Debit: p.Debit, Credit: p.Credit, Amount: p.Amount, Purpose: p.Purpose, ValueDate: domain.Day(e.view.BookedAt),
		Cause: ledger.Cause{Kind: command.Kind, Record: id, Event: "Moved", Index: e.view.Index},
	}}
	e.view.Events = []ledger.EventView{{Name: "Moved", Record: id, Body: []byte(`{"id":"` + command.ID + `"}`)}}
	l.records = append(l.records, record{parties: e.parties, view: ledger.RecordView{
		ID: id, Kind: command.Kind, Status: "done", Final: true, Fields: map[string]any{"amount": body.Amount},
	}})
	return nil
}

func (l *Ledger) book(p domain.Posting) {
	for account, minor := range map[domain.AccountID]int64{p.Debit: -p.Amount.Minor, p.Credit: p.Amount.Minor} {
		if l.balances[account] == nil {
			l.balances[account] = map[domain.Currency]int64{}
		}
		l.balances[account][p.Amount.Currency] += minor
	}
}

// append adds a leaf: a commitment that says nothing by itself.
func (l *Ledger) append(e entry) {
	e.leaf = make([]byte, sha256.Size)
	_, _ = rand.Read(e.leaf)
	hashes, err := tlog.StoredHashesForRecordHash(int64(len(l.entries)), tlog.RecordHash(e.leaf), l.reader())
	if err != nil {
		panic(err)
	}
	l.entries, l.hashes = append(l.entries, e), append(l.hashes, hashes...)
}

func (l *Ledger) reader() tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var found []tlog.Hash
		for _, i := range indexes {
			if i >= int64(len(l.hashes)) {
				return nil, fmt.Errorf("no hash %d", i)
			}
			found = append(found, l.hashes[i])
		}
		return found, nil
	})
}

func (l *Ledger) receipt(index int) ([]byte, error) {
	checkpoint, err := l.checkpoint()
	if err != nil {
		return nil, err
	}
	path, err := tlog.ProveRecord(int64(len(l.entries)), int64(index), l.reader())
	p := proof.TLogProof{Index: uint64(index), Checkpoint: checkpoint, ExtraData: []byte("disclosure")}
	for _, h := range path {
		p.Hashes = append(p.Hashes, h)
	}
	return p.Marshal(), err
}

func (l *Ledger) checkpoint() ([]byte, error) {
	root, err := tlog.TreeHash(int64(len(l.entries)), l.reader())
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%s\n%d\n%s\n", Origin, len(l.entries), base64.StdEncoding.EncodeToString(root[:]))
	return note.Sign(&note.Note{Text: text}, l.signer)
}

// sees says whether a viewer may see an entry or record of these parties.
func sees(parties []domain.PartyID, viewer domain.PartyID) bool {
	return slices.Contains(parties, viewer)
}

func notFound() error { return domain.Refuse(domain.NotFound, "no such record, or not yours") }

// bundle gives entries in the form of an entry bundle.
func bundle(entries []entry) []byte {
	var data []byte
	for _, e := range entries {
		data = binary.BigEndian.AppendUint16(data, uint16(len(e.leaf)))
		data = append(data, e.leaf...)
	}
	return data
}

// Flood commits many entries for one party at once, each with a long detail.
func (l *Ledger) Flood(party domain.PartyID, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	detail := strings.Repeat("x", 1000)
	for range n {
		l.append(entry{parties: []domain.PartyID{party}, view: ledger.EntryView{
			Index: uint64(len(l.entries)), Sequence: 1, BookedAt: l.now, Kind: domain.CashKind, Contract: "main", Name: "refuse",
			Code: domain.TooLate, Detail: detail,
		}})
	}
	close(l.changed)
	l.changed = make(chan struct{})
}
