// Package node assembles a running Aval node from a folder: keys, ledger, API, broker,
// oracle. It wires; it decides nothing.
package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"aval/contracts"
	"aval/domain"
	"aval/domain/envelope"
	"aval/iot/epcis"
	"aval/iot/senml"
	"aval/ledger"
	"aval/ledger/enclave"
	"aval/ledger/order"
	"aval/ledger/sqlite"
)

// The files of a node's folder.
const (
	configFile   = "config.json"
	databaseFile = "ledger.db"
	keysFile     = "keys.sealed"
	oracleFile   = "oracle.sealed"
	// PolicyFile is the C2SP tlog-policy that verifiers of this ledger's receipts need.
	PolicyFile = "policy.txt"
	// OracleKeyFile is the public half of the oracle's key, to be registered by governance.
	OracleKeyFile = "oracle-key.json"
)

// The purposes under which the platform seals.
const (
	keysPurpose   = "ledger keys"
	oraclePurpose = "oracle key"
)

// Codecs is the table of the formats that observations may have.
func Codecs() []domain.Codec {
	return []domain.Codec{envelope.ObservationCodec{}, senml.JWS{}, senml.COSE{}, epcis.JWS{}}
}

// Founding is what a new ledger needs.
type Founding struct {
	// Ledger is the origin, a schema-less URL such as "aval.example/trade".
	Ledger string
	// Member is the first member, Key its public key.
	Member domain.PartyID
	Key    domain.Key
	// Now gives the time; nil means the clock of the machine.
	Now func() time.Time
	// Platform seals the folder's secrets; nil means the simulated one.
	Platform CreatePlatform
}

// CreatePlatform prepares a new folder for the platform that seals its secrets.
type CreatePlatform func(dir string) (enclave.Platform, error)

// Create makes a node's folder with keys, configuration and a ledger that holds its
// genesis. It refuses a folder that is not empty.
func Create(ctx context.Context, dir string, f Founding) error {
	if err := checkFounding(f); err != nil {
		return err
	}
	platform, err := createFolder(dir, f.Platform)
	if err != nil {
		return err
	}
	if err := fill(ctx, dir, platform, f); err != nil {
		return errors.Join(err, empty(dir)) // the folder is ours: the platform's key was new
	}
	return nil
}

// createFolder makes a folder for a platform, and refuses one that is not empty.
func createFolder(dir string, create CreatePlatform) (enclave.Platform, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		return nil, errors.Join(err, fmt.Errorf("folder %s is not empty", dir))
	}
	return create.in(dir)
}

func (create CreatePlatform) in(dir string) (enclave.Platform, error) {
	if create == nil {
		create = enclave.CreateSimulated
	}
	return create(dir)
}

func fill(ctx context.Context, dir string, platform enclave.Platform, f Founding) error {
	keys, err := ledger.NewKeys(f.Ledger, rand.Reader)
	if err != nil {
		return err
	}
	if err := writeSecrets(dir, platform, keys); err != nil {
		return err
	}
	if err := writeConfig(dir, Config{Ledger: f.Ledger, Listen: DefaultListen, Admin: DefaultAdmin}); err != nil {
		return err
	}
	return found(ctx, dir, keys, platform, f)
}

// empty clears a folder, so that it can be tried again.
func empty(dir string) error {
	files, err := os.ReadDir(dir)
	for _, file := range files {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, file.Name())))
	}
	return err
}

func checkFounding(f Founding) error {
	if err := f.Member.Check(); err != nil {
		return err
	}
	if err := CheckOrigin(f.Ledger); err != nil {
		return err
	}
	return envelope.CheckKey(f.Key)
}

// CheckOrigin refuses a name that no ledger can have.
func CheckOrigin(name string) error {
	if len(name) > MaxOrigin || !originForm.MatchString(name) {
		return fmt.Errorf("ledger %.80q: want a schema-less URL such as aval.example/trade, at most %d characters", name, MaxOrigin)
	}
	return nil
}

func writeSecrets(dir string, platform enclave.Platform, keys *ledger.Keys) error {
	plain, err := keys.Format()
	if err != nil {
		return err
	}
	if err := writeSealed(filepath.Join(dir, keysFile), platform, purposeOf(domain.OpenedCreated), plain); err != nil {
		return err
	}
	oracle, err := envelope.NewSigner(envelope.EdDSA, rand.Reader)
	if err != nil {
		return err
	}
	if plain, err = oracle.Format(); err != nil {
		return err
	}
	if err := writeSealed(filepath.Join(dir, oracleFile), platform, oraclePurpose, plain); err != nil {
		return err
	}
	public, err := json.MarshalIndent(Public(oracle.Key), "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, OracleKeyFile), append(public, '\n'), 0o644); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, PolicyFile), keys.Policy(), 0o644)
}

// found commits the genesis and closes the ledger again.
func found(ctx context.Context, dir string, keys *ledger.Keys, platform enclave.Platform, f Founding) error {
	store, err := sqlite.Create(filepath.Join(dir, databaseFile))
	if err != nil {
		return err
	}
	defer store.Close()
	now := f.Now
	if now == nil {
		now = time.Now
	}
	genesis, err := json.Marshal(domain.Genesis{
		Ledger: f.Ledger, Party: domain.Party{ID: f.Member, Roles: []domain.Role{domain.RoleMember}}, Key: f.Key,
	})
	if err != nil {
		return err
	}
	engine, err := ledger.Create(ctx, engineConfig(keys, store, order.NewSolo(now), platform.Name()), genesis)
	if err != nil {
		return err
	}
	if err := commitGenesis(ctx, engine); err != nil {
		return err
	}
	return noteFirst(dir, keys, platform, engine)
}

func commitGenesis(ctx context.Context, engine *ledger.Engine) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	changed, done := engine.Changed(), make(chan error, 1)
	go func() { done <- engine.Run(ctx) }()
	select {
	case <-changed:
		cancel()
		return <-done
	case err := <-done:
		return errors.Join(errors.New("genesis was not committed"), err)
	}
}

func engineConfig(keys *ledger.Keys, store ledger.Store, orderer ledger.Orderer, platform string) ledger.Config {
	return ledger.Config{Keys: keys, Store: store, Orderer: orderer, Contracts: contracts.Table(), Codecs: Codecs(), Platform: platform}
}

// Folder is an opened node's folder.
type Folder struct {
	Dir      string
	Config   Config
	Platform enclave.Platform
	// Keys are those that were there when the folder was opened; a running node adds epochs.
	Keys *ledger.Keys
	keys *keyFile
	// Oracle signs the observations of this node's oracle.
	Oracle *envelope.Signer
}

func checkFolder(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, configFile)); err != nil {
		return fmt.Errorf("%s is no node's folder (make one with \"aval init\"): %w", dir, err)
	}
	return nil
}

// OpenFolder unseals a folder's secrets and reads its configuration.
func OpenFolder(dir string) (*Folder, error) {
	if err := checkFolder(dir); err != nil {
		return nil, err
	}
	platform, err := enclave.Detect(dir)
	if err != nil {
		return nil, err
	}
	f := &Folder{Dir: dir, Platform: platform}
	if err := f.readKeys(); err != nil {
		return nil, err
	}
	plain, err := readSealed(filepath.Join(dir, oracleFile), platform, oraclePurpose)
	if err != nil {
		return nil, err
	}
	if f.Oracle, err = envelope.ParseSigner(plain); err != nil {
		return nil, err
	}
	f.Config, err = readConfig(filepath.Join(dir, configFile))
	if err == nil && f.Config.Ledger != f.Keys.Origin {
		err = fmt.Errorf("config names ledger %q, the keys are of %q", f.Config.Ledger, f.Keys.Origin)
	}
	return f, err
}

// readKeys unseals the keys as the file has them now. What reads a snapshot of the database beside
// a running node calls it after the snapshot: so it has the key of every body in it.
func (f *Folder) readKeys() (err error) {
	if f.keys, err = openKeyFile(filepath.Join(f.Dir, keysFile), f.Platform); err == nil {
		f.Keys = f.keys.Keys()
	}
	return err
}

// snapshot opens the database as it is now, and the keys for it.
func (f *Folder) snapshot() (*sqlite.Snapshot, error) {
	archive, err := sqlite.OpenSnapshot(filepath.Join(f.Dir, databaseFile))
	if err != nil {
		return nil, err
	}
	if err := f.readKeys(); err != nil {
		return nil, errors.Join(err, archive.Close())
	}
	return archive, nil
}

// OpenStore opens the folder's database.
func (f *Folder) OpenStore() (*sqlite.Store, error) {
	return sqlite.Open(filepath.Join(f.Dir, databaseFile))
}

// Verify re-derives the folder's ledger, as it was when Verify began: a node may be running on
// it. The keys are the folder's own; with a policy, the signed head must verify under that too.
func (f *Folder) Verify(policy *ledger.Policy) (ledger.Report, error) {
	archive, err := f.snapshot()
	if err != nil {
		return ledger.Report{}, err
	}
	defer archive.Close()
	if policy != nil {
		if err := f.checkHead(*policy, archive); err != nil {
			return ledger.Report{}, &ledger.Fault{Cause: err}
		}
	}
	report, err := ledger.Verify(f.Keys, archive, contracts.Table(), Codecs())
	if err == nil { // after it, for it names the first bad index
		err = archive.Check()
	}
	return report, err
}

// checkHead verifies the stored head alone: what lies under it is for ledger.Verify. If the
// policy asks for witnesses it is the newest head that they have cosigned.
func (f *Folder) checkHead(policy ledger.Policy, archive ledger.Archive) error {
	_, checkpoint, err := archive.Head()
	if err == nil && policy.AsksWitnesses() {
		checkpoint, err = ledger.CosignedHead(f.Keys, archive)
	}
	if err == nil {
		_, err = ledger.OpenCheckpoint(policy, checkpoint)
	}
	return err
}

// path gives the place of a file that the configuration names.
func (f *Folder) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.Dir, name)
}

// PublicKey is what a registration needs of a key; the ledger adds the rest.
type PublicKey struct {
	ID        string `json:"id"`
	Algorithm string `json:"algorithm"`
	Public    []byte `json:"public"`
}

// Public picks it from a key.
func Public(k domain.Key) PublicKey {
	return PublicKey{ID: k.ID, Algorithm: k.Algorithm, Public: k.Public}
}
