package flightdelay

import (
	"slices"

	"aval/domain"
)

// Limits of terms.
const (
	// MaxTiers bounds the tiers of a product, MaxPolls its polling phases.
	MaxTiers, MaxPolls = 8, 8
	// MaxSources bounds the sources that a product lists.
	MaxSources = 16
	// MaxPerHolder bounds the policies of one holder with one insurer on one leg.
	MaxPerHolder = 8
	// MaxTermMinutes bounds every duration in terms: 366 days.
	MaxTermMinutes = 366 * 24 * 60
	// MaxDelayMinutes is the longest plausible delay, and MaxEarlyMinutes how early an arrival
	// may plausibly be; a report beyond is contradictory.
	MaxDelayMinutes, MaxEarlyMinutes = 72 * 60, 24 * 60
	// MaxBlockMinutes bounds scheduled departure to scheduled arrival.
	MaxBlockMinutes = 24 * 60
)

// Terms are everything a product promises; they never change. Durations are minutes,
// amounts minor units of the currency of the payouts.
type Terms struct {
	Payouts  Payouts  `json:"payouts"`
	Sale     Sale     `json:"sale"`
	Evidence Evidence `json:"evidence"`
	// Polls say how often sources are asked, each from an instant relative to the frozen schedule.
	Polls []Poll `json:"polls"`
}

// Payouts are the price and what is paid for it.
type Payouts struct {
	Currency domain.Currency `json:"currency"`
	// Premium is flat, above zero and below the highest payout.
	Premium int64 `json:"premium"`
	// Tiers rise strictly in minutes and amount; none for a product that pays no delay.
	Tiers []Tier `json:"tiers"`
	// Cancelled and Diverted are paid for such a leg; zero means recorded and not paid.
	Cancelled int64 `json:"cancelled"`
	Diverted  int64 `json:"diverted"`
}

// Tier pays Amount from FromMinutes of delay on, that minute included.
type Tier struct {
	FromMinutes int64 `json:"fromMinutes"`
	Amount      int64 `json:"amount"`
}

// Sale is who may buy, when, and up to which exposure.
type Sale struct {
	// MaxPerLeg and MaxTotal cap the sum of the highest payouts of live policies and open quotes,
	// on one operating leg and in all.
	MaxPerLeg int64 `json:"maxPerLeg"`
	MaxTotal  int64 `json:"maxTotal"`
	// MaxPerHolder caps a holder's live policies with this insurer on one leg.
	MaxPerHolder int64 `json:"maxPerHolder"`
	// The sale opens OpensMinutes and closes ClosesMinutes before scheduled departure, both included.
	OpensMinutes  int64 `json:"opensMinutes"`
	ClosesMinutes int64 `json:"closesMinutes"`
	// QuoteMinutes is the life of a quote.
	QuoteMinutes int64 `json:"quoteMinutes"`
	// ScheduleToleranceMinutes is how far a buyer's stated times may lie from the leg's frozen ones, which
	// are those that count; zero means equal.
	ScheduleToleranceMinutes int64 `json:"scheduleToleranceMinutes"`
	// StatedSchedule lets the first buyer of a leg state its schedule. False means that the
	// insurer lists each leg first.
	StatedSchedule bool `json:"statedSchedule"`
}

// Evidence is who is believed, and when.
type Evidence struct {
	// Sources are the IDs of registered sources; Quorum is the number of their families that must agree.
	Sources []string `json:"sources"`
	Quorum  int64    `json:"quorum"`
	// ToleranceMinutes is the spread of gate-in times that may cross a tier edge without a hold.
	ToleranceMinutes int64 `json:"toleranceMinutes"`
	// An observation fetched or signed more than StaleMinutes ago, or more than SkewMinutes ahead, is no evidence.
	StaleMinutes int64 `json:"staleMinutes"`
	SkewMinutes  int64 `json:"skewMinutes"`
	// WaitMinutes gives the remaining families time after the quorum stands; zero decides at once.
	WaitMinutes int64 `json:"waitMinutes"`
	// A cancellation counts if fetched CancelledAfterMinutes after scheduled departure or later, a
	// diversion DivertedAfterMinutes after scheduled arrival or later; zero counts diversions at once.
	CancelledAfterMinutes int64 `json:"cancelledAfterMinutes"`
	DivertedAfterMinutes  int64 `json:"divertedAfterMinutes"`
	// VoidAfterMinutes after scheduled arrival an undecided leg is void: premiums go back.
	VoidAfterMinutes int64 `json:"voidAfterMinutes"`
	// CorrectionMinutes keep a settled leg open to record later reports; zero closes it with its last policy.
	CorrectionMinutes int64 `json:"correctionMinutes"`
}

// Poll asks every EveryMinutes from OffsetMinutes (may be negative) after its anchor on.
type Poll struct {
	// Anchor is "out" or "in": scheduled departure or arrival.
	Anchor        string `json:"anchor"`
	OffsetMinutes int64  `json:"offsetMinutes"`
	EveryMinutes  int64  `json:"everyMinutes"`
}

// ReferenceTerms are those of the reference product: 50.00 USD from 60 minutes, 100.00 from
// 120, 200.00 from 180 or if cancelled, 100.00 if diverted, for 9.90. Two families must
// agree, one if only one source is given. The first buyer of a leg states its schedule.
func ReferenceTerms(sources ...string) Terms {
	const hour, day = 60, 24 * 60
	return Terms{
		Payouts: Payouts{
			Currency: "USD", Premium: 9_90, Cancelled: 200_00, Diverted: 100_00,
			Tiers: []Tier{{60, 50_00}, {120, 100_00}, {180, 200_00}},
		},
		Sale: Sale{
			MaxPerLeg: 10_000_00, MaxTotal: 1_000_000_00, MaxPerHolder: 1,
			OpensMinutes: 90 * day, ClosesMinutes: day, QuoteMinutes: 15, ScheduleToleranceMinutes: 5, StatedSchedule: true,
		},
		Evidence: Evidence{
			Sources: slices.Clone(sources), Quorum: int64(min(2, len(sources))), ToleranceMinutes: 10, StaleMinutes: day,
			SkewMinutes: 5, CancelledAfterMinutes: 6 * hour, VoidAfterMinutes: 72 * hour,
		},
		Polls: []Poll{
			{"out", -day, 6 * hour}, {"out", -2 * hour, hour}, {"in", 15, 15}, {"in", 6 * hour, hour}, {"in", day, 6 * hour},
		},
	}
}

// Highest is the largest amount that one policy can be paid, which is locked for it.
func (p Payouts) Highest() int64 {
	highest := max(p.Cancelled, p.Diverted)
	for _, tier := range p.Tiers {
		highest = max(highest, tier.Amount)
	}
	return highest
}

func minutes(n int64) domain.Millis { return domain.Millis(n) * 60_000 }
