// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Contract wallets, good and bad, for the tests of ERC-1271 and ERC-6492.

function recover(bytes32 hash, bytes calldata signature, uint256 offset) pure returns (address) {
    if (signature.length < offset + 65) return address(0);
    bytes32 r = bytes32(signature[offset:offset + 32]);
    bytes32 s = bytes32(signature[offset + 32:offset + 64]);
    return ecrecover(hash, uint8(signature[offset + 64]), r, s);
}

/// Like a Safe: several owners and a threshold, and what the owners sign is an
/// EIP-712 message that holds the chain and this wallet's address, so that a
/// signature for one wallet is none for its sibling.
contract OwnersWallet {
    bytes32 private constant DOMAIN_TYPEHASH = keccak256("EIP712Domain(uint256 chainId,address verifyingContract)");
    bytes32 private constant MESSAGE_TYPEHASH = keccak256("SafeMessage(bytes message)");

    mapping(address => bool) public isOwner;
    uint256 public threshold;

    constructor(address[] memory owners, uint256 threshold_) {
        for (uint256 i; i < owners.length; i++) isOwner[owners[i]] = true;
        threshold = threshold_;
    }

    function swapOwner(address from, address to) external {
        require(isOwner[msg.sender] && isOwner[from], "not an owner");
        isOwner[from] = false;
        isOwner[to] = true;
    }

    function messageHash(bytes32 hash) public view returns (bytes32) {
        bytes32 domain = keccak256(abi.encode(DOMAIN_TYPEHASH, block.chainid, address(this)));
        bytes32 message = keccak256(abi.encode(MESSAGE_TYPEHASH, keccak256(abi.encode(hash))));
        return keccak256(abi.encodePacked(bytes2(0x1901), domain, message));
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        require(signature.length == threshold * 65, "threshold");
        bytes32 own = messageHash(hash);
        address last;
        for (uint256 i; i < threshold; i++) {
            address owner = recover(own, signature, i * 65);
            require(owner > last && isOwner[owner], "owner"); // ascending: none counts twice
            last = owner;
        }
        return 0x1626ba7e;
    }
}

/// Checks its owner's signature over the bare hash: whatever the owner has signed
/// for one such wallet, every other of theirs accepts as well.
contract NaiveWallet {
    address public owner;

    constructor(address owner_) {
        owner = owner_;
    }

    function setOwner(address to) external {
        require(msg.sender == owner);
        owner = to;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return recover(hash, signature, 0) == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// A wallet in recovery: anyone may carry out what has been decided, which makes
/// the successor its owner. Until someone does, the owner is the owner.
contract RecoverableWallet {
    address public owner;
    address public successor;

    constructor(address owner_, address successor_) {
        owner = owner_;
        successor = successor_;
    }

    function finishRecovery() external {
        owner = successor;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        return recover(hash, signature, 0) == owner ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// Sends its calldata back. The selector of isValidSignature is the magic value,
/// so the answer starts with it.
contract Echo {
    uint256 private immutable limit;

    constructor(uint256 limit_) {
        limit = limit_;
    }

    fallback(bytes calldata input) external returns (bytes memory) {
        return input.length > limit ? input[:limit] : input;
    }
}

/// Answers whatever it was made with.
contract Answer {
    bytes private answer;

    constructor(bytes memory answer_) {
        answer = answer_;
    }

    fallback(bytes calldata) external returns (bytes memory) {
        return answer;
    }
}

/// Burns all the gas there is.
contract GasBurner {
    fallback() external {
        uint256 x;
        while (true) {
            unchecked {
                x = uint256(keccak256(abi.encode(x)));
            }
        }
    }
}

/// Returns as much as its gas pays for: the magic value and then zeros.
contract HugeReturn {
    uint256 private immutable size;

    constructor(uint256 size_) {
        size = size_;
    }

    fallback() external {
        uint256 n = size;
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, n)
        }
    }
}

/// Executes an invalid opcode.
contract Invalid {
    fallback() external {
        assembly {
            invalid()
        }
    }
}

/// Reverts, giving the magic value as its reason.
contract MagicRevert {
    fallback() external {
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            revert(0, 32)
        }
    }
}

/// Accepts anything, and counts how often it was asked: a verification must not
/// leave a trace.
contract Counter {
    uint256 public count;

    fallback() external {
        count++;
        assembly {
            mstore(0, shl(224, 0x1626ba7e))
            return(0, 32)
        }
    }
}

/// Deploys wallets at addresses that only their code decides (CREATE2).
contract Factory {
    uint256 public deployed;

    function deploy(bytes memory initCode, bytes32 salt) public returns (address made) {
        assembly {
            made := create2(0, add(initCode, 32), mload(initCode), salt)
        }
        require(made != address(0), "create2");
        deployed++;
    }

    function fail(bytes calldata) external pure {
        revert("no");
    }

    function burn() external pure {
        while (true) {}
    }
}

/// Like a Safe whose owners approve on the chain: an empty signature asks whether they
/// have approved the message.
contract ApprovingWallet {
    address public owner;
    mapping(bytes32 => bool) public approved;

    constructor(address owner_) {
        owner = owner_;
    }

    function approve(bytes32 hash, bool yes) external {
        require(msg.sender == owner, "not the owner");
        approved[keccak256(abi.encode(block.chainid, address(this), hash))] = yes;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        bool yes = signature.length == 0
            ? approved[keccak256(abi.encode(block.chainid, address(this), hash))]
            : recover(hash, signature, 0) == owner;
        return yes ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// What an account delegates to (EIP-7702): a session key signs, which the account's own
/// key has let in. The key is in the code, or set once by initialize.
contract SessionDelegate {
    address private immutable fixedSession;
    address public session;

    constructor(address fixedSession_) {
        fixedSession = fixedSession_;
    }

    function initialize(address session_, bytes calldata signature) external {
        require(recover(keccak256(abi.encode(session_)), signature, 0) == address(this), "not let in");
        session = session_;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        address signer = recover(hash, signature, 0);
        require(signer != address(0), "no signature");
        return signer == fixedSession || signer == session ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// The one function of Multicall3 that is used.
contract Multicall {
    struct Call3 {
        address target;
        bool allowFailure;
        bytes callData;
    }

    struct Result {
        bool success;
        bytes returnData;
    }

    function aggregate3(Call3[] calldata calls) external payable returns (Result[] memory results) {
        results = new Result[](calls.length);
        for (uint256 i; i < calls.length; i++) {
            (results[i].success, results[i].returnData) = calls[i].target.call(calls[i].callData);
            require(results[i].success || calls[i].allowFailure, "Multicall3: call failed");
        }
    }
}
