package contracttest

import (
	"strings"

	"aval/domain"
)

// checkLaws asserts what must hold after every step, whatever the step was.
func (b *Bench) checkLaws() {
	b.t.Helper()
	sums := map[domain.Currency]int64{}
	for key, balance := range b.balances {
		sums[key.currency] += balance
		if balance < 0 && !key.account.MayGoNegative() {
			b.t.Fatalf("law floor: %s holds %d %s", key.account, balance, key.currency)
		}
		if balance != 0 {
			b.checkEscrow(key.account, balance)
		}
	}
	for currency, sum := range sums {
		if sum != 0 {
			b.t.Fatalf("law conservation: all %s together are %d", currency, sum)
		}
	}
}

// checkEscrow asserts that no record above an escrow with money in it is final.
func (b *Bench) checkEscrow(account domain.AccountID, balance int64) {
	b.t.Helper()
	rest, isEscrow := strings.CutPrefix(string(account), "escrow/")
	parts := strings.Split(rest, "/")
	if !isEscrow || len(parts) < 3 {
		return
	}
	kind := domain.Kind(parts[0] + "/" + parts[1])
	for end := len(parts); end > 2; end-- {
		key := strings.Join(parts[2:end], "/")
		if b.Final(kind, key) {
			b.t.Fatalf("law escrow: %s is final but %s holds %d", key, account, balance)
		}
	}
}
