package ledger

import (
	"runtime"
	"sync"

	"aval/domain"
	"aval/domain/envelope"
)

// minTogether is how many signatures are worth a goroutine of their own.
const minTogether = 16

// checkSignatures checks the signatures of a batch together and on all processors, under the
// keys registered before it. It decides nothing: each submission keeps what was found, and
// execution checks again whose key is another by then.
func (e executor) checkSignatures(r domain.Registry, b Batch) {
	var pending []signed
	for i := range b.Items {
		s := b.Items[i].checked
		if s == nil || s.judged != nil {
			continue
		}
		if key, ok := r.Key(s.shell.KeyID); ok {
			pending = append(pending, signed{s, key})
		}
	}
	parts := min(runtime.GOMAXPROCS(0), len(pending)/minTogether+1)
	var group sync.WaitGroup
	for part := range parts {
		share := pending[part*len(pending)/parts : (part+1)*len(pending)/parts]
		if part == parts-1 { // the last one on this goroutine
			checkTogether(share)
			continue
		}
		group.Go(func() { checkTogether(share) })
	}
	group.Wait()
}

// signed is a submission and the key that it names.
type signed struct {
	*submission
	key domain.Key
}

func checkTogether(share []signed) {
	keys, shells := make([]domain.Key, len(share)), make([]domain.Signed, len(share))
	for i, s := range share {
		keys[i], shells[i] = s.key, s.shell
	}
	for i, err := range envelope.VerifyAll(keys, shells) {
		share[i].judged, share[i].verdict = &share[i].key, err
	}
}
