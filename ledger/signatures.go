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
	var pending []*submission
	for i := range b.Items {
		s := b.Items[i].checked
		if s == nil || s.judged != nil {
			continue
		}
		if _, ok := r.Key(s.shell.KeyID); ok {
			pending = append(pending, s)
		}
	}
	parts := min(runtime.GOMAXPROCS(0), len(pending)/minTogether+1)
	var group sync.WaitGroup
	for part := range parts {
		share := pending[part*len(pending)/parts : (part+1)*len(pending)/parts]
		if part == parts-1 { // the last one on this goroutine
			checkTogether(r, share)
			continue
		}
		group.Go(func() { checkTogether(r, share) })
	}
	group.Wait()
}

func checkTogether(r domain.Registry, share []*submission) {
	keys, signed := make([]domain.Key, len(share)), make([]domain.Signed, len(share))
	for i, s := range share {
		keys[i], _ = r.Key(s.shell.KeyID)
		signed[i] = s.shell
	}
	for i, err := range envelope.VerifyAll(keys, signed) {
		share[i].judged, share[i].verdict = &keys[i], err
	}
}
