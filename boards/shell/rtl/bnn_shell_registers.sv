// bnn_shell_registers: the AXI4-Lite slave with the registers of regs.yaml (constants: bnn_shell_regs.sv).
//
// One write and one read at a time, each answered OKAY: an access to an offset without a register reads 0
// and writes nothing (an error response would stop the processor's kernel). Write strobes are honoured.
// A write is done, and a read sampled, in the cycle before its response is offered.
module bnn_shell_registers
  import bnn_shell_regs::*;
#(
    parameter int        DATA_BITS  = 64,
    parameter int        ADDR_BITS  = 32,
    parameter int        IN_STRIDE  = 1,
    parameter int        OUT_STRIDE = 1,
    parameter bit [63:0] MODEL      = '0,
    parameter bit        CONFIG     = 1'b0
) (
    input  logic                    ap_clk,
    input  logic                    ap_rst_n,

    input  logic [AXIL_ADDR_BITS-1:0] s_axi_awaddr,
    input  logic                    s_axi_awvalid,
    output logic                    s_axi_awready,
    input  logic [31:0]             s_axi_wdata,
    input  logic [3:0]              s_axi_wstrb,
    input  logic                    s_axi_wvalid,
    output logic                    s_axi_wready,
    output logic [1:0]              s_axi_bresp,
    output logic                    s_axi_bvalid,
    input  logic                    s_axi_bready,
    input  logic [AXIL_ADDR_BITS-1:0] s_axi_araddr,
    input  logic                    s_axi_arvalid,
    output logic                    s_axi_arready,
    output logic [31:0]             s_axi_rdata,
    output logic [1:0]              s_axi_rresp,
    output logic                    s_axi_rvalid,
    input  logic                    s_axi_rready,
    output logic                    irq,

    output logic                    start,      // for one cycle: a run was asked for
    output logic                    abort,      // for one cycle: it is to end early
    output logic [63:0]             source,
    output logic [31:0]             source_words,
    output logic [63:0]             target,
    output logic [31:0]             target_words,
    input  logic                    idle,
    input  logic                    aborting,
    input  logic                    ended,      // for one cycle: the run has ended
    input  logic [STATUS_BITS-1:0]  status,
    input  logic [63:0]             cycles,
    input  logic [31:0]             words_in,
    input  logic [31:0]             words_out,

    output logic                    config_push,  // for one cycle: config_word
    output logic [31:0]             config_word,
    input  logic [7:0]              config_room,
    input  logic [31:0]             config_status,
    input  logic [31:0]             config_loaded,
    output logic [7:0]              frame_name,
    output logic [7:0]              asked
);

  localparam int HIGH = AXIL_ADDR_BITS - 1;

  // ---------------------------------------------------------------------------------------- write
  logic [HIGH:2] write_place;
  logic [31:0] write_data, mask;
  logic [3:0] write_strobe;
  logic have_address, have_data, write;

  assign s_axi_awready = !have_address;
  assign s_axi_wready  = !have_data;
  assign s_axi_bresp   = 2'b00;
  assign write = have_address && have_data && (!s_axi_bvalid || s_axi_bready);
  assign mask  = {{8{write_strobe[3]}}, {8{write_strobe[2]}}, {8{write_strobe[1]}}, {8{write_strobe[0]}}};

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      have_address <= 1'b0;
      have_data    <= 1'b0;
      s_axi_bvalid <= 1'b0;
    end else begin
      if (write) have_address <= 1'b0;
      else if (s_axi_awvalid) have_address <= 1'b1;
      if (write) have_data <= 1'b0;
      else if (s_axi_wvalid) have_data <= 1'b1;
      if (write) s_axi_bvalid <= 1'b1;
      else if (s_axi_bready) s_axi_bvalid <= 1'b0;
    end
  end
  always_ff @(posedge ap_clk) begin
    if (s_axi_awready) write_place <= s_axi_awaddr[HIGH:2];
    if (s_axi_wready) begin
      write_data   <= s_axi_wdata;
      write_strobe <= s_axi_wstrb;
    end
  end

  function automatic logic [31:0] merged(input logic [31:0] old);
    merged = (old & ~mask) | (write_data & mask);
  endfunction

  logic [31:0] given;  // the bits written, 1 where a 1 is written
  logic writes_ctrl, writes_isr, done, global_enable;
  logic [1:0] enable, event_bits, new_events;
  assign given       = write_data & mask;
  assign writes_ctrl = write && write_place == R_CTRL[HIGH:2];
  assign writes_isr  = write && write_place == R_ISR[HIGH:2];
  assign start       = writes_ctrl && given[CTRL_START] && idle;
  assign abort       = writes_ctrl && given[CTRL_ABORT];
  assign config_push = write && write_place == R_CONFIG[HIGH:2] && mask == '1;
  assign config_word = write_data;
  assign new_events  = {ended && status != '0, ended};

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) begin
      global_enable <= 1'b0;
      enable        <= '0;
      event_bits    <= '0;
      done          <= 1'b0;
      irq           <= 1'b0;
      source        <= '0;
      source_words  <= '0;
      target        <= '0;
      target_words  <= '0;
      frame_name    <= '0;
      asked         <= '0;
    end else begin
      if (ended) done <= 1'b1;
      else if (start) done <= 1'b0;
      event_bits <= (event_bits & ~(writes_isr ? given[1:0] : 2'b00)) | new_events;
      irq        <= global_enable && (event_bits & enable) != '0;
      if (write) begin
        case (write_place)
          R_GIER[HIGH:2]:      if (mask[0]) global_enable <= write_data[GIER_ENABLE];
          R_IER[HIGH:2]:       if (mask[0]) enable <= write_data[1:0];
          R_SRC_LO[HIGH:2]:    source[31:0] <= merged(source[31:0]);
          R_SRC_HI[HIGH:2]:    source[63:32] <= merged(source[63:32]);
          R_SRC_WORDS[HIGH:2]: source_words <= merged(source_words);
          R_DST_LO[HIGH:2]:    target[31:0] <= merged(target[31:0]);
          R_DST_HI[HIGH:2]:    target[63:32] <= merged(target[63:32]);
          R_DST_WORDS[HIGH:2]: target_words <= merged(target_words);
          R_CONTEXT[HIGH:2]: begin
            if (CONFIG && mask[0]) frame_name <= write_data[7:0];
            if (CONFIG && mask[8]) asked <= write_data[15:8];
          end
          default: ;
        endcase
      end
    end
  end

  // ----------------------------------------------------------------------------------------- read
  logic [31:0] free_high;
  logic [63:0] free;
  logic read;
  assign read          = s_axi_arvalid && s_axi_arready;
  assign s_axi_arready = !s_axi_rvalid || s_axi_rready;
  assign s_axi_rresp   = 2'b00;

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) s_axi_rvalid <= 1'b0;
    else if (read) s_axi_rvalid <= 1'b1;
    else if (s_axi_rready) s_axi_rvalid <= 1'b0;
  end

  always_ff @(posedge ap_clk) begin
    if (!ap_rst_n) free <= '0;
    else free <= free + 1'b1;
  end
  always_ff @(posedge ap_clk) if (read && s_axi_araddr[HIGH:2] == R_FREE_LO[HIGH:2]) free_high <= free[63:32];

  logic [31:0] ctrl, config_read;
  always_comb begin
    ctrl             = '0;
    ctrl[CTRL_START] = !idle;
    ctrl[CTRL_DONE]  = done;
    ctrl[CTRL_IDLE]  = idle;
    ctrl[CTRL_READY] = idle;
    ctrl[CTRL_ABORT] = aborting;
  end

  always_ff @(posedge ap_clk) begin
    if (read) begin
      case (s_axi_araddr[HIGH:2])
        R_CTRL[HIGH:2]:       s_axi_rdata <= ctrl;
        R_GIER[HIGH:2]:       s_axi_rdata <= 32'(global_enable);
        R_IER[HIGH:2]:        s_axi_rdata <= 32'(enable);
        R_ISR[HIGH:2]:        s_axi_rdata <= 32'(event_bits);
        R_SRC_LO[HIGH:2]:     s_axi_rdata <= source[31:0];
        R_SRC_HI[HIGH:2]:     s_axi_rdata <= source[63:32];
        R_SRC_WORDS[HIGH:2]:  s_axi_rdata <= source_words;
        R_DST_LO[HIGH:2]:     s_axi_rdata <= target[31:0];
        R_DST_HI[HIGH:2]:     s_axi_rdata <= target[63:32];
        R_DST_WORDS[HIGH:2]:  s_axi_rdata <= target_words;
        R_STATUS[HIGH:2]:     s_axi_rdata <= 32'(status);
        R_CYCLES_LO[HIGH:2]:  s_axi_rdata <= cycles[31:0];
        R_CYCLES_HI[HIGH:2]:  s_axi_rdata <= cycles[63:32];
        R_WORDS_IN[HIGH:2]:   s_axi_rdata <= words_in;
        R_WORDS_OUT[HIGH:2]:  s_axi_rdata <= words_out;
        R_ID[HIGH:2]:         s_axi_rdata <= ID_VALUE;
        R_VERSION[HIGH:2]:    s_axi_rdata <= VERSION_VALUE;
        R_IN_STRIDE[HIGH:2]: s_axi_rdata <= 32'(IN_STRIDE);
        R_OUT_STRIDE[HIGH:2]: s_axi_rdata <= 32'(OUT_STRIDE);
        R_PORT[HIGH:2]:       s_axi_rdata <= {16'b0, 8'(ADDR_BITS), 8'(DATA_BITS / 8)};
        R_MODEL_LO[HIGH:2]:   s_axi_rdata <= MODEL[31:0];
        R_MODEL_HI[HIGH:2]:   s_axi_rdata <= MODEL[63:32];
        R_FREE_LO[HIGH:2]:    s_axi_rdata <= free[31:0];
        R_FREE_HI[HIGH:2]:    s_axi_rdata <= free_high;
        default:            s_axi_rdata <= config_read;
      endcase
    end
  end

  if (CONFIG) begin : g_config
    always_comb begin
      case (s_axi_araddr[HIGH:2])
        R_CONFIG[HIGH:2]:        config_read = 32'(config_room);
        R_CONFIG_STATUS[HIGH:2]: config_read = config_status;
        R_CONFIG_LOADED[HIGH:2]: config_read = config_loaded;
        R_CONTEXT[HIGH:2]:       config_read = {16'b0, asked, frame_name};
        default:                 config_read = '0;
      endcase
    end
  end else begin : g_no_config
    assign config_read = '0;
    logic unused_config;
    assign unused_config = &{1'b0, config_room, config_status, config_loaded};
  end

  logic unused;
  assign unused = &{1'b0, s_axi_awaddr[1:0], s_axi_araddr[1:0], given};

endmodule : bnn_shell_registers
