package node

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"fmt"
	"sync"

	"aval/domain"
	"aval/ledger"
	"aval/ledger/enclave"
)

// keyFile is the sealed file of a ledger's keys, which grows by a key with each epoch. Safe for
// concurrent use within one process; the lock on the database keeps a second one out.
type keyFile struct {
	path     string
	platform enclave.Platform
	mu       sync.Mutex
	keys     *ledger.Keys
	// way is how the keys came here, a domain.Opened word; the purpose that they are sealed for says it.
	way string
}

// purposeOf gives the purpose for which keys are sealed that came in a way. Those that another node or
// the members gave stay under a purpose of their own until the log says so: whoever holds
// the disk cannot make a node forget it.
func purposeOf(way string) string {
	if way == domain.OpenedSealed {
		return keysPurpose
	}
	return keysPurpose + " by " + way
}

// ways are the ways in which keys can have come.
var ways = []string{domain.OpenedSealed, domain.OpenedCreated, domain.OpenedByShares, domain.OpenedByPeer}

func openKeyFile(path string, platform enclave.Platform) (*keyFile, error) {
	var plain []byte
	var way string
	sealed, err := readBounded(path, maxSealedFile)
	if err == nil {
		plain, way, err = unsealKeys(platform, sealed)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (if this machine is not the one that sealed it: \"aval recover\")", err)
	}
	keys, err := ledger.ParseKeys(plain)
	return &keyFile{path: path, platform: platform, keys: keys, way: way}, err
}

// unsealKeys gives the keys in a key file's content, and the way in which they came.
func unsealKeys(platform enclave.Platform, sealed []byte) (keys []byte, way string, err error) {
	var first error
	for _, way := range ways {
		if keys, err = platform.Unseal(purposeOf(way), sealed); err == nil {
			return keys, way, nil
		}
		first = cmp.Or(first, err)
	}
	return nil, "", first
}

// Keys are those in the file.
func (k *keyFile) Keys() *ledger.Keys {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keys
}

// Next makes the key of an epoch. When it returns, the key is on disk.
func (k *keyFile) Next(number uint32) (ledger.Epoch, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	next, err := ledger.NewEpoch(number, rand.Reader)
	if err != nil {
		return next, err
	}
	grown, err := k.keys.With(next)
	if err != nil {
		return next, err
	}
	if err := k.write(grown, k.way); err != nil {
		return next, err
	}
	k.keys = grown
	return next, nil
}

func (k *keyFile) write(keys *ledger.Keys, way string) error {
	plain, err := keys.Format()
	if err != nil {
		return err
	}
	sealed, err := k.seal(purposeOf(way), plain)
	if err == nil {
		err = replaceFile(k.path, sealed, 0o600)
	}
	if err != nil {
		return fmt.Errorf("seal the keys: %w", err)
	}
	return nil
}

// releases is a platform that may have sealed for more than the running release.
type releases interface {
	SealLike(purpose string, secret, like []byte) ([]byte, error)
}

// seal seals for all releases that the file opens for now, so that a rotation does not shut out the next one. A file that does not
// hold what this process holds was put there by somebody else: then it is for the running release alone.
func (k *keyFile) seal(purpose string, plain []byte) ([]byte, error) {
	platform, several := k.platform.(releases)
	if !several || k.keys == nil {
		return k.platform.Seal(purpose, plain)
	}
	held, err := k.keys.Format()
	if err != nil {
		return nil, err
	}
	file, err := readBounded(k.path, maxSealedFile)
	if err == nil {
		var opened []byte
		if opened, _, err = unsealKeys(k.platform, file); err == nil && bytes.Equal(opened, held) {
			return platform.SealLike(purpose, plain, file)
		}
	}
	return k.platform.Seal(purpose, plain)
}

// Recorded seals the keys as any others, once the log says how they came.
func (k *keyFile) Recorded() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.write(k.keys, domain.OpenedSealed); err != nil {
		return err
	}
	k.way = domain.OpenedSealed
	return nil
}

// Way is how the keys came here.
func (k *keyFile) Way() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.way
}
