package flightdelay

import (
	"aval/domain"
)

// void is the phase of a decision that there is no decision: premiums go back.
const void domain.FlightPhase = "void"

// The outcomes of a policy; they are also its final status.
const (
	outcomePaid   = "paid"
	outcomeNotDue = "notDue"
	outcomeVoid   = "void"
)

// delayMinutes is the whole minutes by which a gate-in was late, rounded down: 59 min 59 s
// are 59, one second early is -1.
func delayMinutes(actual, scheduled domain.Millis) int64 {
	const perMinute = 60_000
	late := int64(actual - scheduled)
	whole := late / perMinute
	if late%perMinute < 0 {
		whole--
	}
	return whole
}

// delayPayout is the highest tier that the minutes reach, by its minutes, and its amount; zero and zero for none.
func delayPayout(tiers []Tier, minutes int64) (tier, amount int64) {
	for _, t := range tiers {
		if minutes >= t.FromMinutes {
			tier, amount = t.FromMinutes, t.Amount
		}
	}
	return tier, amount
}

// settlement is how a policy ended.
type settlement struct {
	// Outcome is paid, notDue or void.
	Outcome string `json:"outcome"`
	// Phase is what became of the leg; Minutes how late a landed leg was, negative for early.
	Phase   domain.FlightPhase `json:"phase"`
	Minutes int64              `json:"minutes"`
	// Tier is the fromMinutes of the tier reached, zero for none.
	Tier int64 `json:"tier"`
	// Amount was paid to the holder, the premium of a void policy apart.
	Amount domain.Money  `json:"amount"`
	At     domain.Millis `json:"at"`
	// Reports are the fingerprints of the observations decided on; for void, of all that were held.
	Reports [][]byte `json:"reports"`
}

// payoff turns a policy and its leg's decision into a settlement.
func payoff(p policy, d decision, now domain.Millis) settlement {
	s := settlement{Outcome: outcomeNotDue, Phase: d.Phase, Amount: p.Payouts.money(0), At: now, Reports: d.Reports}
	switch d.Phase {
	case void:
		s.Outcome = outcomeVoid
	case domain.FlightLanded:
		s.Minutes = delayMinutes(d.In, p.Leg.ScheduledIn)
		s.Tier, s.Amount.Minor = delayPayout(p.Payouts.Tiers, s.Minutes)
	case domain.FlightCancelled:
		s.Amount.Minor = p.Payouts.Cancelled
	case domain.FlightDiverted:
		s.Amount.Minor = p.Payouts.Diverted
	}
	if s.Amount.Minor > 0 {
		s.Outcome = outcomePaid
	}
	return s
}

// pay empties a policy's escrow, which holds the premium and the highest payout.
func (t *turn) pay(id string, p policy, s settlement) error {
	held, currency := escrow("policy", id), p.Payouts.Currency
	rest, err := domain.AddMinor(p.Payouts.Highest(), -s.Amount.Minor)
	if err != nil {
		return err
	}
	t.post("payout", held, domain.PartyAccount(p.Holder), s.Amount.Minor, currency)
	t.post("release", held, escrow("product", p.Product), rest, currency)
	if s.Outcome == outcomeVoid {
		t.post("refund", held, domain.PartyAccount(p.Holder), p.Payouts.Premium, currency)
		return nil
	}
	t.post("premium", held, domain.PartyAccount(p.Insurer), p.Payouts.Premium, currency)
	return nil
}
