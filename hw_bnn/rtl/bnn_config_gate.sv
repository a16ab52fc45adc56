// bnn_config_gate: takes packets of new memory contents and keeps frames out while they are written.
//
// A packet on s_axis_cfg is 64-bit words: a header, LENGTH words of contents, and the CRC-32 (IEEE
// 802.3, reflected: 0xEDB88320, as zlib's) of all of them, low byte first, in the low 32 bits of a
// last word whose upper half is 0. The header, from bit 0:
//
//   16 length, in words of contents | 24 row of the memory | 4 memory | 12 node | 8 MAGIC
//
// Node 0 is this gate: a packet of length 0 to its memory 0 begins a load, to its memory 1 ends it.
// Words without MAGIC between packets are skipped, so that LONGEST + 2 words of 0 in front of a load
// end whatever was broken off before it.
//
// A load begins at a frame's end: no frame enters any more, the packet that begins it waits until
// those inside have left, and frames enter again when it has ended. Each packet is kept until its
// CRC is right; then it goes through the chain of the nodes (bnn_config_node) as a trial, and where
// a node could take all of it, once more to be written. What is wrong changes nothing: the load is
// over, and frames go on with the old contents if none have been written, else they wait, beyond a
// reset too, for a load that ends right. It ends right where TOTAL words of contents have been
// written; the nodes take each word once.
//
// status: bit 0 frames enter; 1 a load is under way; 2 contents are a mixture; 3 a packet is being
// worked on; 7:4 what was wrong first since the last load began (0 nothing, 1 CRC, 2 node, memory,
// row, length, or a row twice or out of turn, 3 length above LONGEST, 4 contents outside a load, 5 a
// load that ends before all is written, 6 no such order); 15:8 loads that ended right; 23:16 packets
// refused (both modulo 256).
//
// Frames pass without a register, initiation interval 1. A word of a packet takes 8 cycles, and a
// packet twice its length and the chain's more.
module bnn_config_gate #(
    parameter int IN_WORDS = 1,   // words of a frame in
    parameter int LONGEST  = 31,  // words of contents of a packet; one less than a power of two
    parameter int TOTAL    = 1    // words of contents of a load
) (
    input  logic        ap_clk,
    input  logic        ap_rst_n,

    input  logic [63:0] s_axis_cfg_tdata,
    input  logic        s_axis_cfg_tvalid,
    output logic        s_axis_cfg_tready,
    output logic [31:0] status,

    output logic [67:0] cfg_out,  // to the first node: see bnn_config_node
    input  logic [67:0] cfg_in,   // from the last

    input  logic        s_valid,  // frames in
    output logic        s_ready,
    output logic        m_valid,  // to the first layer
    input  logic        m_ready,
    input  logic        frame_out // the last word of a frame leaves
);

  localparam logic [7:0] MAGIC = 8'hB1;
  localparam logic [1:0] NONE = 2'd0, HEAD = 2'd1, TRIAL = 2'd2, WRITE = 2'd3;
  localparam logic [3:0] CRC = 4'd1, PLACE = 4'd2, LONG = 4'd3, OUTSIDE = 4'd4, PART = 4'd5,
                         ORDER = 4'd6;
  localparam int AT_BITS = $clog2(LONGEST + 1);
  localparam int MISSING_BITS = $clog2(TOTAL + 1);

`ifndef __ICARUS__  // it has no elaboration-time $error
  if (LONGEST < 1 || LONGEST > 65535 || 2 ** AT_BITS != LONGEST + 1) begin : g_check_1
    $error("bnn_config_gate: LONGEST = %0d is not one less than a power of two", LONGEST);
  end
`endif

  // ------------------------------------------------------------------------------ frames

  localparam int POSITION_BITS = IN_WORDS > 1 ? $clog2(IN_WORDS) : 1;
  localparam int HELD_BITS     = 8;   // at its end no frame enters until one has left

  logic open, offered, midway, pass, taken, last_in;
  logic [POSITION_BITS-1:0] position;
  logic [HELD_BITS-1:0] held;

  assign pass    = (open && !(&held)) || midway || offered;
  assign m_valid = s_valid && pass;
  assign s_ready = m_ready && pass;
  assign taken   = m_valid && m_ready;
  assign last_in = IN_WORDS == 1 || position == POSITION_BITS'(IN_WORDS - 1);

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      offered  <= 1'b0;
      midway   <= 1'b0;
      position <= '0;
      held     <= '0;
    end else begin
      offered <= m_valid && !m_ready;  // a word that has been offered stays
      if (taken) begin
        midway   <= !last_in;
        position <= last_in ? '0 : position + 1'b1;
      end
      if ((taken && last_in) != frame_out) held <= frame_out ? held - 1'b1 : held + 1'b1;
    end
  end

  // ------------------------------------------------------------------------------ packets

  typedef enum logic [2:0] {
    HUNT, SKIP, SUM, JUDGE, DRAIN, PLAY, RETURN
  } state_t;

  function automatic logic [31:0] summed(input logic [31:0] old, input logic [7:0] bits);
    summed = old ^ {24'b0, bits};
    for (int i = 0; i < 8; i++)
      summed = summed[0] ? (summed >> 1) ^ 32'hEDB88320 : summed >> 1;
  endfunction

  // What a right CRC and four bytes of 0 leave in the register.
  localparam logic [31:0] RIGHT = summed(summed(summed(summed(32'hDEBB20E3, '0), '0), '0), '0);

  state_t state;
  logic [63:0] packet[LONGEST+1];  // header and contents
  logic [63:0] played;
  logic [31:0] crc;
  logic [2:0] step;
  logic [1:0] kind;
  logic kind_last, odd, to_gate, ends, writing, missed, loading;
  logic dirty = 1'b0;  // some contents are new, some old; a reset does not change that
  logic [AT_BITS-1:0] length, returned;
  logic [AT_BITS:0] at;  // word of the packet; length + 1 is its CRC
  logic [MISSING_BITS-1:0] missing;  // words of contents that the load has still to bring
  logic [3:0] error, fault;
  logic [7:0] loads, refused;
  logic header, last_step, at_sum, over;

  // A word stays on the port while its bytes are summed.
  assign last_step = &step;
  assign at_sum    = at == {1'b0, length} + 1'b1;
  assign s_axis_cfg_tready = state == SKIP || (state == SUM && last_step);
  assign cfg_out = {1'b0, kind_last, kind, played};
  assign status  = {8'b0, refused, loads, error, state != HUNT, dirty, loading, open};
  assign header  = s_axis_cfg_tdata[63:56] == MAGIC;

  always_ff @(posedge ap_clk) begin
    if (state == SUM && !at_sum) packet[at[AT_BITS-1:0]] <= s_axis_cfg_tdata;
    played <= packet[at[AT_BITS-1:0]];
  end

  // What is wrong with the header, the packet, or its trial.
  always_comb begin
    fault = '0;
    if (state == HUNT) begin
      if (s_axis_cfg_tvalid && header && 32'(s_axis_cfg_tdata[15:0]) > $unsigned(LONGEST)) fault = LONG;
    end else if (state == JUDGE) begin
      if (crc != RIGHT) fault = CRC;
      else if (odd) fault = to_gate ? ORDER : PLACE;
      else if (!loading && !(to_gate && !ends)) fault = OUTSIDE;
      else if (to_gate ? ends && (missing != '0 || over) : missing == '0) fault = PART;
    end else if (state == RETURN) begin
      if (returned == length && missed && !writing) fault = PLACE;
    end
  end

  always_ff @(posedge ap_clk) begin
    if (state == HUNT) crc <= '1;
    else if (state == SUM && s_axis_cfg_tvalid) crc <= summed(crc, s_axis_cfg_tdata[{step, 3'b0}+:8]);
    if (state == HUNT) begin
      length  <= s_axis_cfg_tdata[AT_BITS-1:0];
      to_gate <= s_axis_cfg_tdata[55:44] == '0;
      ends    <= s_axis_cfg_tdata[40];
      odd     <= s_axis_cfg_tdata[55:44] != '0 ? s_axis_cfg_tdata[15:0] == '0
               : s_axis_cfg_tdata[39:0] != '0 || s_axis_cfg_tdata[43:41] != '0;
    end
  end

  always_ff @(posedge ap_clk) begin
    kind_last <= state == PLAY && (at == '0 ? writing : at[AT_BITS-1:0] == length);
    if (state == JUDGE || (state == RETURN && returned == length)) begin
      returned <= '0;
      missed   <= 1'b0;
    end else if (cfg_in[65]) begin  // a TRIAL or WRITE that has been through all nodes
      returned <= returned + 1'b1;
      missed   <= missed || !cfg_in[67];
    end
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      state   <= HUNT;
      kind    <= NONE;
      at      <= '0;
      step    <= '0;
      writing <= 1'b0;
      open    <= !dirty;
      loading <= 1'b0;
      missing <= '0;
      over    <= 1'b0;
      error   <= '0;
      loads   <= '0;
      refused <= '0;
    end else begin
      kind <= NONE;
      if (&cfg_in[65:64]) begin  // written
        if (missing == '0) over <= 1'b1;
        else missing <= missing - 1'b1;
      end
      if (fault != '0) begin
        error   <= error == '0 ? fault : error;
        refused <= refused + 1'b1;
        loading <= 1'b0;
        open    <= !dirty;
        state   <= state == HUNT ? SKIP : HUNT;
        at      <= '0;
      end else begin
        case (state)
          HUNT: if (s_axis_cfg_tvalid) state <= header ? SUM : SKIP;
          SKIP: state <= HUNT;
          SUM: begin
            if (s_axis_cfg_tvalid) begin
              step <= step + 1'b1;
              if (last_step) begin
                at <= at + 1'b1;
                if (at_sum) begin
                  at    <= '0;
                  state <= JUDGE;
                end
              end
            end
          end
          JUDGE: begin
            writing <= 1'b0;
            if (!to_gate) begin
              state <= PLAY;
            end else if (ends) begin
              state   <= HUNT;
              loading <= 1'b0;
              open    <= 1'b1;
              loads   <= loads + 1'b1;
            end else begin
              state   <= DRAIN;
              loading <= 1'b1;
              open    <= 1'b0;
              error   <= '0;
              missing <= MISSING_BITS'(TOTAL);
              over    <= 1'b0;
            end
          end
          DRAIN: begin
            kind <= HEAD;  // of this packet: the nodes begin, too
            if (!midway && !offered && held == '0) state <= HUNT;
          end
          PLAY: begin
            kind <= at == '0 ? HEAD : writing ? WRITE : TRIAL;
            at   <= at + 1'b1;
            if (at[AT_BITS-1:0] == length) state <= RETURN;
          end
          RETURN: begin
            at <= '0;
            if (returned == length) begin
              state   <= writing ? HUNT : PLAY;
              writing <= 1'b1;
            end
          end
          default: state <= HUNT;
        endcase
      end
    end
  end

  always_ff @(posedge ap_clk) begin
    if (ap_rst_n && fault == '0) begin
      if (state == JUDGE && to_gate && ends) dirty <= 1'b0;
      if (state == RETURN && returned == length) dirty <= 1'b1;
    end
  end

  logic unused;
  assign unused = &{1'b0, cfg_in};

`ifdef HW_BNN_CHECK
  bnn_stream_checker #(.BITS(1)) u_check (
      .ap_clk, .ap_rst_n, .tdata(1'b0), .tvalid(m_valid), .tready(m_ready)
  );
`endif

endmodule : bnn_config_gate
