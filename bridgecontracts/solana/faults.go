package solana

import "fmt"

// faultBase is added to the number of each fault, so that none can be taken for one of another program's.
const faultBase = 0x5452_0000

// Fault is a way in which the program refuses.
type Fault uint32

// The faults, as program/src/errors.rs explains them.
const (
	FaultUnknownInstruction          Fault = 1
	FaultBadData                     Fault = 2
	FaultNotEnoughAccounts           Fault = 3
	FaultNotSigner                   Fault = 4
	FaultNotWritable                 Fault = 5
	FaultWrongState                  Fault = 6
	FaultStalePage                   Fault = 7
	FaultWrongProgram                Fault = 8
	FaultWrongSystemProgram          Fault = 9
	FaultWrongAssociatedTokenProgram Fault = 10
	FaultWrongLoader                 Fault = 11
	FaultWrongProgramData            Fault = 12
	FaultWrongAuthority              Fault = 13
	FaultAuthorityRemains            Fault = 14
	FaultAlreadyInitialized          Fault = 15
	FaultZeroValue                   Fault = 16
	FaultBadQuorum                   Fault = 17
	FaultMembersNotAscending         Fault = 18
	FaultSecondSeat                  Fault = 19
	FaultBridgePaused                Fault = 20
	FaultWrongPauseState             Fault = 21
	FaultWrongSequence               Fault = 22
	FaultWrongActionId               Fault = 23
	FaultEpochNotHigher              Fault = 24
	FaultBadGroups                   Fault = 25
	FaultBadLimit                    Fault = 26
	FaultLimitExceeded               Fault = 27
	FaultBadSealLength               Fault = 28
	FaultNoSuchMember                Fault = 29
	FaultSignersNotAscending         Fault = 30
	FaultHighS                       Fault = 31
	FaultWrongSigner                 Fault = 32
	FaultQuorumMissing               Fault = 33
	FaultWrongBuffer                 Fault = 34
	FaultWrongPoster                 Fault = 35
	FaultStaleBuffer                 Fault = 36
	FaultBadBodyRange                Fault = 37
	FaultBadKeysLength               Fault = 38
	FaultNothingReceived             Fault = 39
	FaultWrongToken                  Fault = 40
	FaultTokenNotReady               Fault = 41
	FaultWrongTokenProgram           Fault = 42
	FaultWrongMint                   Fault = 43
	FaultWrongVault                  Fault = 44
	FaultWrongTokenAccount           Fault = 45
	FaultWalletNeeded                Fault = 46
	FaultClaimAccountNeeded          Fault = 47
	FaultWrongClaim                  Fault = 48
	FaultMarkRefused                 Fault = 49
	FaultTooManyTransfers            Fault = 50
	FaultNothingToClaim              Fault = 51
	FaultNotRecipient                Fault = 52
	FaultBadDestination              Fault = 53
	FaultWrongRefund                 Fault = 54
	FaultHeldTooLittle               Fault = 55
	FaultNativeMint                  Fault = 56
	FaultAlreadyReady                Fault = 57
	FaultMintHasTransferHook         Fault = 58
	FaultMintHasPermanentDelegate    Fault = 59
	FaultMintHasDefaultState         Fault = 60
	FaultMintNotTransferable         Fault = 61
	FaultMintHasCloseAuthority       Fault = 62
	FaultMintHasConfidentialSupply   Fault = 63
	FaultMintExtensionUnknown        Fault = 64
	FaultNotAPage                    Fault = 65
	FaultAccountNeeded               Fault = 66
	FaultOverflow                    Fault = 67
	FaultWrongCallAccount            Fault = 68
	FaultBufferExists                Fault = 69
	FaultTooManyTokens               Fault = 70
	FaultKeysFromProgram             Fault = 71
)

var faultNames = map[Fault]string{
	FaultUnknownInstruction:          "UnknownInstruction",
	FaultBadData:                     "BadData",
	FaultNotEnoughAccounts:           "NotEnoughAccounts",
	FaultNotSigner:                   "NotSigner",
	FaultNotWritable:                 "NotWritable",
	FaultWrongState:                  "WrongState",
	FaultStalePage:                   "StalePage",
	FaultWrongProgram:                "WrongProgram",
	FaultWrongSystemProgram:          "WrongSystemProgram",
	FaultWrongAssociatedTokenProgram: "WrongAssociatedTokenProgram",
	FaultWrongLoader:                 "WrongLoader",
	FaultWrongProgramData:            "WrongProgramData",
	FaultWrongAuthority:              "WrongAuthority",
	FaultAuthorityRemains:            "AuthorityRemains",
	FaultAlreadyInitialized:          "AlreadyInitialized",
	FaultZeroValue:                   "ZeroValue",
	FaultBadQuorum:                   "BadQuorum",
	FaultMembersNotAscending:         "MembersNotAscending",
	FaultSecondSeat:                  "SecondSeat",
	FaultBridgePaused:                "BridgePaused",
	FaultWrongPauseState:             "WrongPauseState",
	FaultWrongSequence:               "WrongSequence",
	FaultWrongActionId:               "WrongActionId",
	FaultEpochNotHigher:              "EpochNotHigher",
	FaultBadGroups:                   "BadGroups",
	FaultBadLimit:                    "BadLimit",
	FaultLimitExceeded:               "LimitExceeded",
	FaultBadSealLength:               "BadSealLength",
	FaultNoSuchMember:                "NoSuchMember",
	FaultSignersNotAscending:         "SignersNotAscending",
	FaultHighS:                       "HighS",
	FaultWrongSigner:                 "WrongSigner",
	FaultQuorumMissing:               "QuorumMissing",
	FaultWrongBuffer:                 "WrongBuffer",
	FaultWrongPoster:                 "WrongPoster",
	FaultStaleBuffer:                 "StaleBuffer",
	FaultBadBodyRange:                "BadBodyRange",
	FaultBadKeysLength:               "BadKeysLength",
	FaultNothingReceived:             "NothingReceived",
	FaultWrongToken:                  "WrongToken",
	FaultTokenNotReady:               "TokenNotReady",
	FaultWrongTokenProgram:           "WrongTokenProgram",
	FaultWrongMint:                   "WrongMint",
	FaultWrongVault:                  "WrongVault",
	FaultWrongTokenAccount:           "WrongTokenAccount",
	FaultWalletNeeded:                "WalletNeeded",
	FaultClaimAccountNeeded:          "ClaimAccountNeeded",
	FaultWrongClaim:                  "WrongClaim",
	FaultMarkRefused:                 "MarkRefused",
	FaultTooManyTransfers:            "TooManyTransfers",
	FaultNothingToClaim:              "NothingToClaim",
	FaultNotRecipient:                "NotRecipient",
	FaultBadDestination:              "BadDestination",
	FaultWrongRefund:                 "WrongRefund",
	FaultHeldTooLittle:               "HeldTooLittle",
	FaultNativeMint:                  "NativeMint",
	FaultAlreadyReady:                "AlreadyReady",
	FaultMintHasTransferHook:         "MintHasTransferHook",
	FaultMintHasPermanentDelegate:    "MintHasPermanentDelegate",
	FaultMintHasDefaultState:         "MintHasDefaultState",
	FaultMintNotTransferable:         "MintNotTransferable",
	FaultMintHasCloseAuthority:       "MintHasCloseAuthority",
	FaultMintHasConfidentialSupply:   "MintHasConfidentialSupply",
	FaultMintExtensionUnknown:        "MintExtensionUnknown",
	FaultNotAPage:                    "NotAPage",
	FaultAccountNeeded:               "AccountNeeded",
	FaultOverflow:                    "Overflow",
	FaultWrongCallAccount:            "WrongCallAccount",
	FaultBufferExists:                "BufferExists",
	FaultTooManyTokens:               "TooManyTokens",
	FaultKeysFromProgram:             "KeysFromProgram",
}

// FaultOf returns the fault behind a custom error code; ok is false for a code that is another program's.
func FaultOf(code uint32) (f Fault, ok bool) {
	f = Fault(code - faultBase)
	_, ok = faultNames[f]
	return f, ok && code > faultBase
}

// String returns the fault's name.
func (f Fault) String() string {
	if name, ok := faultNames[f]; ok {
		return name
	}
	return fmt.Sprintf("fault %d", uint32(f))
}

// Error implements error.
func (f Fault) Error() string { return "the bridge refused: " + f.String() }
