package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/enclave"
	"aval/ledger/order"
	"aval/ledger/recovery"
)

const (
	// RequestFile is what a recovering folder shows members: the key to seal their shares to, and the quote for it.
	RequestFile = "recovery.request"
	// gatheredFile keeps the shares that have come, sealed by the platform.
	gatheredFile    = "recovery.gathered"
	gatheredPurpose = "gathered recovery shares"
)

// Recovery is the work on a folder whose keys its machine cannot unseal. It survives being killed
// after any call. Not for concurrent use.
type Recovery struct {
	lost       Lost
	platform   enclave.Platform
	policy     ledger.Policy
	set        *recovery.Set
	collection *recovery.Collection
}

// Lost is a ledger whose keys no machine at hand unseals.
type Lost struct {
	// Dir holds a copy of the lost folder; with an Archive it may be new.
	Dir string
	// Archive is an exported one, from which the folder is made when there is none; empty: Dir has the ledger.
	Archive string
	// Erased is that of an Archive.
	Erased []byte
	// Policy is that of the ledger one knows; nil takes the folder's own.
	Policy *ledger.Policy
	// Seal makes the platform of a folder that has none; nil: the simulated one.
	Seal CreatePlatform
}

// Recover begins to gather shares, or goes on with it. A folder whose keys open is refused.
func (l Lost) Recover() (*Recovery, error) {
	r, err := l.open()
	if err != nil {
		return nil, err
	}
	file, err := readBounded(r.path(RecoveryFile), recovery.MaxSet)
	if err != nil {
		return nil, fmt.Errorf("the shares' set, which the lost node kept and members have copies of: %w", err)
	}
	if r.set, err = recovery.ParseSet(file, r.policy.Log()); err != nil {
		return nil, err
	}
	return r, r.resume()
}

// open finds a folder's platform and ledger, and refuses one that needs no recovery.
func (l Lost) open() (*Recovery, error) {
	if err := l.provide(); err != nil {
		return nil, err
	}
	r := &Recovery{lost: l}
	var err error
	if r.platform, err = enclave.Detect(l.Dir); errors.Is(err, enclave.ErrNoPlatform) {
		r.platform, err = l.Seal.in(l.Dir)
	}
	if err != nil {
		return nil, err
	}
	if _, err := openKeyFile(r.path(keysFile), r.platform); err == nil {
		return nil, fmt.Errorf("the keys of %s open on this machine: nothing is to be recovered", l.Dir)
	}
	if l.Policy != nil {
		r.policy = *l.Policy
		return r, nil
	}
	text, err := readBounded(r.path(PolicyFile), ledger.MaxPolicyBytes)
	if err == nil {
		r.policy, err = ledger.ParsePolicy(text)
	}
	return r, err
}

func (r *Recovery) path(name string) string { return filepath.Join(r.lost.Dir, name) }

// resume goes on with what was gathered, or begins.
func (r *Recovery) resume() error {
	plain, err := readSealed(r.path(gatheredFile), r.platform, gatheredPurpose)
	if errors.Is(err, fs.ErrNotExist) {
		return r.begin()
	}
	if err != nil {
		return fmt.Errorf("%s: %w; remove it to begin again", gatheredFile, err)
	}
	r.collection, err = recovery.ParseCollection(r.set, plain)
	if errors.Is(err, recovery.ErrOld) { // the set was replaced since
		return r.begin()
	}
	return err
}

func (r *Recovery) begin() (err error) {
	if r.collection, err = recovery.Collect(r.set); err != nil {
		return err
	}
	request := r.collection.Request()
	if err := quoteRequest(&request, r.platform); err != nil {
		return err
	}
	file, err := request.Marshal()
	if err != nil {
		return err
	}
	if err := r.keep(); err != nil { // before anybody can seal a share to its key
		return err
	}
	return replaceFile(r.path(RequestFile), file, 0o644)
}

// quoteRequest adds the platform's word that the key of the request was made there.
func quoteRequest(r *recovery.Request, platform enclave.Platform) error {
	q, err := platform.Quote(requestReport(*r).Sum())
	if err != nil {
		return fmt.Errorf("quote: %w", err)
	}
	r.Quote, err = q.Marshal()
	return err
}

func requestReport(r recovery.Request) enclave.ReportData {
	return enclave.ReportData{TLSKey: r.Report(), Origin: r.Origin, Nonce: r.Nonce}
}

// AppraiseRequest wants the key of a request to be held by code that the policy trusts.
func AppraiseRequest(r recovery.Request, p enclave.Policy, at time.Time) (enclave.Appraisal, error) {
	q, err := enclave.ParseQuote(r.Quote)
	if err != nil {
		return enclave.Appraisal{}, err
	}
	return enclave.Appraise(q, p, requestReport(r), at)
}

func (r *Recovery) keep() error {
	plain, err := r.collection.Format()
	if err != nil {
		return err
	}
	return replaceSealed(r.path(gatheredFile), r.platform, gatheredPurpose, plain)
}

// Take takes one share, the content of the file that "aval share open" wrote. When it returns, the share is kept.
func (r *Recovery) Take(file []byte) (domain.PartyID, error) {
	s, err := recovery.ParseSubmission(file)
	if err != nil {
		return "", err
	}
	if err := r.collection.Add(s); err != nil {
		return s.Party, err
	}
	return s.Party, r.keep()
}

// Missing is how many shares are still needed, Waiting whose have not come, Set which shares.
func (r *Recovery) Missing() int              { return r.collection.Missing() }
func (r *Recovery) Waiting() []domain.PartyID { return r.collection.Waiting() }
func (r *Recovery) Set() recovery.Name        { return r.set.Name }

// Platform is this machine's.
func (r *Recovery) Platform() enclave.Platform { return r.platform }

// Finish opens the keys with the shares that are there, tries them on the ledger and seals them
// to this machine.
func (r *Recovery) Finish(ctx context.Context) error {
	secrets, err := r.collection.Open()
	if err != nil {
		return err
	}
	if err := r.install(ctx, secrets, domain.OpenedByShares); err != nil {
		return err
	}
	for _, done := range []string{gatheredFile, RequestFile} {
		if err := os.Remove(r.path(done)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return syncFolder(r.lost.Dir)
}

// install seals secrets to this machine once they have opened the ledger. The keys come last: until
// then the folder is one to recover.
func (r *Recovery) install(ctx context.Context, secrets []byte, way string) error {
	w, err := parseSecrets(secrets)
	if err != nil {
		return fmt.Errorf("the recovered keys: %w", err)
	}
	keys, err := ledger.ParseKeys(w.Keys)
	if err != nil {
		return err
	}
	if err := belongs(keys, r.policy); err != nil {
		return err
	}
	if err := r.rebuild(ctx, w); err != nil {
		return err
	}
	if err := r.tryKeys(keys); err != nil {
		return err
	}
	if err := replaceSealed(r.path(oracleFile), r.platform, oraclePurpose, w.Oracle); err != nil {
		return err
	}
	file := &keyFile{path: r.path(keysFile), platform: r.platform}
	return file.write(keys, way)
}

// belongs wants the keys to sign as the log that the policy names.
func belongs(keys *ledger.Keys, policy ledger.Policy) error {
	signer, err := note.NewSigner(keys.LogSigner)
	if err != nil {
		return errors.New("log key does not parse")
	}
	signed, err := note.Sign(&note.Note{Text: "aval recovered keys\n"}, signer)
	if err == nil {
		_, err = note.Open(signed, note.VerifierList(policy.Log()))
	}
	if err != nil {
		return fmt.Errorf("the recovered keys are not those of %s that the policy names", policy.Origin())
	}
	return nil
}

// countAnew begins a counter on this platform, if it has any: that of the lost machine is not there.
func (r *Recovery) countAnew(keys *ledger.Keys, leaves uint64) error {
	counter, err := newHeadCounter(r.lost.Dir, r.platform, keys)
	if err != nil || counter == nil {
		return err
	}
	return counter.begin(leaves)
}

// tryKeys opens the ledger with the keys, as a node does, and holds it to the note of the last
// head that came with it.
func (r *Recovery) tryKeys(keys *ledger.Keys) error {
	config, err := readConfig(r.path(configFile))
	if err != nil {
		return err
	}
	f := &Folder{Dir: r.lost.Dir, Config: config}
	store, noted, err := f.openNoted()
	if err != nil {
		return err
	}
	e, err := ledger.Open(engineConfig(keys, store, order.NewSolo(time.Now), r.platform.Name()))
	if err == nil {
		_, err = checkNoted(e, f.headNotePath(), noted)
	}
	if err == nil {
		err = r.countAnew(keys, e.Size())
	}
	return errors.Join(err, store.Close())
}
