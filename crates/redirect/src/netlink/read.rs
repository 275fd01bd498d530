//! Reading back: what the kernel shows is read into the same data as was written, and compared.

use netlink_bindings::nftables::{
    ExprOps, IterableExprAttrs, IterableRuleAttrs, PayloadBase, Registers, Request, VerdictCode,
};
use netlink_bindings::utils::ErrorContext;
use netlink_socket2::NetlinkSocket;

use super::answer::of;
use super::names::{CHECKSUM_OF_THE_INTERNET, c_string, header, key, operator};
use crate::error::Error;
use crate::rule::{Chain, Comparison, Meta, Rule, Step, TABLE};

/// Refuses whatever is in our table and not in `rules`, or the other way.
pub(super) fn differences(socket: &mut NetlinkSocket, rules: &[Rule]) -> Result<(), Error> {
    for chain in Chain::ALL {
        let shown = chain_of(socket, chain)?;
        let meant = (chain.hook(), chain.priority());
        if shown != Some(meant) {
            return Err(Error::NotAsWritten(format!("chain {}: {shown:?} and not {meant:?}", chain.name())));
        }
        let of_this = rules.iter().filter(|rule| rule.chain == chain);
        let wanted: Vec<Vec<_>> =
            of_this.map(|rule| rule.steps.iter().cloned().map(Some).collect()).collect();
        let shown = rules_of(socket, chain)?;
        if let Some(at) = (0..wanted.len().max(shown.len())).find(|at| shown.get(*at) != wanted.get(*at)) {
            return Err(Error::NotAsWritten(format!("rule {} of the chain {}", at + 1, chain.name())));
        }
    }
    Ok(())
}

/// A chain's hook and priority; `None` where it has none.
fn chain_of(socket: &mut NetlinkSocket, chain: Chain) -> Result<Option<(u32, i32)>, Error> {
    let mut request = Request::new().op_getchain_do(&header());
    request.encode().push_table(&c_string(TABLE)).push_name(&c_string(chain.name()));
    let mut reply = socket.request(&request).map_err(not_read)?;
    let (_, shown) = reply.recv_one().map_err(|error| of(&error))?;
    let hook = shown.get_hook().ok();
    Ok(hook.and_then(|hook| Some((hook.get_num().ok()?, hook.get_priority().ok()?))))
}

/// A chain's rules, each by its steps; a step that we never write is `None`.
fn rules_of(socket: &mut NetlinkSocket, chain: Chain) -> Result<Vec<Vec<Option<Step>>>, Error> {
    let mut request = Request::new().op_getrule_dump(&header());
    request.encode().push_table(&c_string(TABLE)).push_chain(&c_string(chain.name()));
    let mut reply = socket.request(&request).map_err(not_read)?;
    let mut rules = Vec::new();
    while let Some(rule) = reply.recv() {
        let (_, rule) = rule.map_err(|error| of(&error))?;
        // Kernels of before 5.0 tell of every chain.
        let of_this = |rule: &IterableRuleAttrs| {
            let is = |name: Result<&std::ffi::CStr, _>, wanted: &str| {
                name.is_ok_and(|name| name.to_bytes() == wanted.as_bytes())
            };
            is(rule.get_table(), TABLE) && is(rule.get_chain(), chain.name())
        };
        if of_this(&rule) {
            rules.push(steps(&rule).map_err(|error| Error::NotAsWritten(error.to_string()))?);
        }
    }
    Ok(rules)
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn not_read(error: std::io::Error) -> Error {
    Error::NotAsWritten(format!("they can't be read: {error}"))
}

fn steps(rule: &IterableRuleAttrs) -> Result<Vec<Option<Step>>, ErrorContext> {
    rule.get_expressions()?.get_elem().map(|one| step(&one)).collect()
}

/// One step; `None` for what we never write.
fn step(expression: &IterableExprAttrs) -> Result<Option<Step>, ErrorContext> {
    let register = Registers::Reg1 as u32;
    Ok(match expression.get_data()? {
        ExprOps::Meta(meta) if meta.get_dreg()? == register => {
            let number = meta.get_key()?;
            Meta::ALL.into_iter().find(|meta| key(*meta) == number).map(Step::Meta)
        }
        ExprOps::Cmp(compare) if compare.get_sreg()? == register => {
            let number = compare.get_op()?;
            let value = compare.get_data()?.get_value()?.to_vec();
            let comparison = Comparison::ALL.into_iter().find(|one| operator(*one) == number);
            comparison.map(|comparison| Step::Compare(comparison, value))
        }
        ExprOps::Immediate(value) if value.get_dreg()? == register => {
            Some(Step::Value(value.get_data()?.get_value()?.to_vec()))
        }
        ExprOps::Immediate(verdict) => {
            let code = verdict.get_data()?.get_verdict()?.get_code()?;
            (code == VerdictCode::Drop as u32).then_some(Step::Drop)
        }
        ExprOps::Payload(payload) if payload.get_base()? == PayloadBase::TransportHeader as u32 => {
            let (at, length) = (payload.get_offset()?, payload.get_len()?);
            match (payload.get_dreg(), payload.get_sreg()) {
                (Ok(to), _) if to == register => Some(Step::Load { at, length }),
                (_, Ok(from)) if from == register && payload.get_csum_type()? == CHECKSUM_OF_THE_INTERNET => {
                    Some(Step::Store { at, length, checksum: payload.get_csum_offset()? })
                }
                _ => None,
            }
        }
        _ => None,
    })
}
