//! Writing: our table as one transaction, so that no packet ever meets half of it.

use netlink_bindings::nftables::{Chained, Nfgenmsg, PayloadBase, PushExprListAttrs, Registers, VerdictCode};
use netlink_bindings::traits::Pusher;
use netlink_socket2::NetlinkSocket;

use super::answer::of;
use super::names::{CHECKSUM_OF_THE_INTERNET, c_string, header, key, operator};
use crate::error::Error;
use crate::rule::{Chain, Rule, Step, TABLE};

/// The number of nf_tables among netfilter's parts.
const NF_TABLES: u16 = 10;

const ACCEPT: u32 = 1;

/// Puts a table with these rules in the place of ours of before.
pub(super) fn table(socket: &mut NetlinkSocket, rules: &[Rule]) -> Result<(), Error> {
    let messages = u32::try_from(rules.len()).unwrap_or(u32::MAX).saturating_add(16);
    let mut batch = Chained::new(socket.reserve_seq(messages));
    batch.request().op_batch_begin_do(&batch_header());
    let name = c_string(TABLE);
    // What is not there can't be deleted: so it is made, deleted with all that is in it, and made anew.
    batch.request().set_create().op_newtable_do(&header()).encode().push_name(&name);
    batch.request().op_deltable_do(&header()).encode().push_name(&name);
    batch.request().set_create().op_newtable_do(&header()).encode().push_name(&name);
    for chain in Chain::ALL {
        batch
            .request()
            .set_create()
            .op_newchain_do(&header())
            .encode()
            .push_table(&name)
            .push_name(&c_string(chain.name()))
            .nested_hook()
            .push_num(chain.hook())
            .push_priority(chain.priority())
            .end_nested()
            .push_policy(ACCEPT)
            .push_type(c"filter");
    }
    for Rule { chain, steps } in rules {
        let mut request = batch.request().set_create().set_append().op_newrule_do(&header());
        let rule = request.encode().push_table(&name).push_chain(&c_string(chain.name()));
        steps.iter().fold(rule.nested_expressions(), push).end_nested();
    }
    batch.request().op_batch_end_do(&batch_header());
    let batch = batch.finalize();
    let mut reply = socket.request_chained(&batch).map_err(|error| Error::Refused(error.to_string()))?;
    reply.recv_all().map_err(|error| of(&error))
}

fn push<P: Pusher>(steps: PushExprListAttrs<P>, step: &Step) -> PushExprListAttrs<P> {
    let register = Registers::Reg1 as u32;
    let one = steps.nested_elem();
    match step {
        Step::Meta(meta) => one.nested_data_meta().push_key(key(*meta)).push_dreg(register).end_nested(),
        Step::Load { at, length } => one
            .nested_data_payload()
            .push_dreg(register)
            .push_base(PayloadBase::TransportHeader as u32)
            .push_offset(*at)
            .push_len(*length)
            .end_nested(),
        Step::Compare(comparison, value) => one
            .nested_data_cmp()
            .push_sreg(register)
            .push_op(operator(*comparison))
            .nested_data()
            .push_value(value)
            .end_nested()
            .end_nested(),
        Step::Value(value) => one
            .nested_data_immediate()
            .push_dreg(register)
            .nested_data()
            .push_value(value)
            .end_nested()
            .end_nested(),
        Step::Store { at, length, checksum } => one
            .nested_data_payload()
            .push_sreg(register)
            .push_base(PayloadBase::TransportHeader as u32)
            .push_offset(*at)
            .push_len(*length)
            .push_csum_type(CHECKSUM_OF_THE_INTERNET)
            .push_csum_offset(*checksum)
            .end_nested(),
        Step::Drop => one
            .nested_data_immediate()
            .push_dreg(Registers::RegVerdict as u32)
            .nested_data()
            .nested_verdict()
            .push_code(VerdictCode::Drop as u32)
            .end_nested()
            .end_nested()
            .end_nested(),
    }
    .end_nested()
}

fn batch_header() -> Nfgenmsg {
    let mut header = Nfgenmsg::new();
    header.set_res_id(NF_TABLES);
    header
}
