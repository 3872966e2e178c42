// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// Verifies, inside one eth_call and without leaving anything behind, the
/// signature of a contract wallet that is not deployed yet (ERC-6492): deploys it
/// through its factory, then asks it (ERC-1271).
///
/// This is never deployed. It is sent as the init code of a contract creation in
/// an eth_call, whose "deployed code" is the 32-byte answer. It differs from the
/// reference validator in being narrower:
///   - no ecrecover: keys are recovered before anything is asked of a chain;
///   - a wallet that has code is never preceded by a call of the signer's choice;
///   - the answer must be exactly 32 bytes, and is not copied before that is known;
///   - a failing factory or wallet is an answer that says which, not a revert.
contract CounterfactualValidator {
    uint256 private constant VALID = 1;
    uint256 private constant FACTORY_FAILED = 2;
    uint256 private constant NOT_DEPLOYED = 3;
    uint256 private constant WALLET_FAILED = 4;
    uint256 private constant NOT_MAGIC = 5;

    constructor(address account, address factory, bytes memory factoryCalldata, bytes memory isValidSignature) {
        uint256 answer = verify(account, factory, factoryCalldata, isValidSignature);
        assembly {
            mstore(0, answer)
            return(0, 32)
        }
    }

    /// @param isValidSignature the whole calldata of ERC-1271's call
    function verify(address account, address factory, bytes memory factoryCalldata, bytes memory isValidSignature)
        private
        returns (uint256)
    {
        bool success;
        if (account.code.length == 0) {
            assembly {
                success := call(gas(), factory, 0, add(factoryCalldata, 32), mload(factoryCalldata), 0, 0)
            }
            if (!success) return FACTORY_FAILED;
            if (account.code.length == 0) return NOT_DEPLOYED;
        }
        bytes32 magic = bytes32(bytes4(0x1626ba7e));
        bool exact;
        assembly {
            success := staticcall(gas(), account, add(isValidSignature, 32), mload(isValidSignature), 0, 0)
            if eq(returndatasize(), 32) {
                returndatacopy(0, 0, 32)
                exact := eq(mload(0), magic)
            }
        }
        if (!success) return WALLET_FAILED;
        return exact ? VALID : NOT_MAGIC;
    }
}
