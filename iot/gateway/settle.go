package gateway

import (
	"cmp"
	"context"
	"slices"
	"time"

	"aval/domain"
	"aval/iot"
)

// settle judges one answer of the ledger.
func (g *Gateway) settle(raw []byte) {
	receipt, fingerprint, err := iot.ParseReceipt(raw)
	if err != nil {
		g.count(func(s *Stats) { s.BadReceipts++ })
		return
	}
	if receipt.Receipt == "" {
		g.setAside([32]byte(fingerprint), receipt.Code)
		return
	}
	g.trim([]byte(receipt.Receipt), fingerprint, receipt.Code)
}

// trim forgets what a receipt proves. It verifies outside the lock: that costs signatures.
func (g *Gateway) trim(receipt, fingerprint []byte, code domain.Code) {
	id := [32]byte(fingerprint)
	g.mu.Lock()
	stored := len(g.byFingerprint[id]) > 0
	g.mu.Unlock()
	if !stored {
		return // trimmed before: the answer to a repeat
	}
	if g.config.Verify(receipt, fingerprint) != nil {
		g.count(func(s *Stats) { s.BadReceipts++ })
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, m := range slices.Clone(g.byFingerprint[id]) {
		if !g.closed && g.forget(m) == nil { // else it stays, and is sent and answered again
			g.stats.Trimmed++
			if code != "" {
				g.stats.Refused[code]++
			}
		}
	}
}

// setAside takes what a notice speaks of out of the window until the pause is over. Anyone who could
// forge a notice could delay a message by that pause, and never make the gateway forget it.
func (g *Gateway) setAside(id [32]byte, code domain.Code) {
	g.mu.Lock()
	defer g.mu.Unlock()
	held := g.byFingerprint[id]
	if m := g.byDigest[id]; m != nil {
		held = []*message{m}
	}
	for _, m := range held {
		g.stats.Notices++
		m.code = cmp.Or(code, domain.NotEvidence)
		g.queue.move(m, time.Now().Add(g.config.NoticePause), false)
	}
	g.signal()
}

func (g *Gateway) count(f func(*Stats)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.stats)
}

// settleAll verifies receipts until ctx ends.
func (g *Gateway) settleAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case raw := <-g.receipts:
			g.settle(raw)
		}
	}
}
